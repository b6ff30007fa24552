"""Logistic regression: a Bernoulli likelihood over a linear model."""

from __future__ import annotations

from functools import partial

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Bernoulli
from sofim_ref.models import Linear
from sofim_ref.problems.finite_sum import FiniteSum


class LogisticRegression(FiniteSum):
    r"""The loss :math:`\frac1N \sum_n \log(1 + e^{f_n}) - y_n f_n + \frac{\lambda}{2} \|w\|^2`, with f = wᵀx̄.

    Convex, with second derivative at most ¼ and third at most 1/(6√3) in f. Its Fisher matrix is its Hessian less l2 I,
    so natural gradient with damping equal to l2 is Newton's method. With λ = 0 and separable classes there is no
    optimum.

    Parameters
    ----------
    features, targets, l2
        As `FiniteSum` takes and refuses them: labels 0 and 1 for targets, shape (N,).
    intercept : bool
        Whether a 1 is appended to each x.

    Examples
    --------
    >>> import numpy as np
    >>> problem = LogisticRegression(np.asarray([[-1.0], [1.0]]), np.asarray([0, 1]), l2=0.1)
    >>> problem.gradient(np.zeros(2))
    array([-0.5,  0. ])
    """

    def __init__(self, features: Array, targets: Array, *, l2: float = 0.0, intercept: bool = True) -> None:
        super().__init__(partial(Linear, intercept=intercept), Bernoulli(), features, targets, l2)
