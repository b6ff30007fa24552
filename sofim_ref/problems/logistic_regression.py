"""Logistic regression: a Bernoulli likelihood over a linear model."""

from __future__ import annotations

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Bernoulli
from sofim_ref.models import Linear
from sofim_ref.problems.finite_sum import FiniteSum, check_data


class LogisticRegression(FiniteSum):
    r"""The loss :math:`\frac1N \sum_n \log(1 + e^{f_n}) - y_n f_n + \frac{\lambda}{2} \|w\|^2`, with f = wᵀx̄.

    Convex, with second derivative at most ¼ and third at most 1/(6√3) in f. Its Fisher matrix is its Hessian less l2 I,
    so natural gradient with damping equal to l2 is Newton's method.

    Parameters
    ----------
    features : array, shape (N, p)
    targets : array, shape (N,)
        Labels 0 and 1, of any dtype.
    l2 : float
        The number λ >= 0; with λ = 0 and separable classes there is no optimum.
    intercept : bool
        Whether a 1 is appended to each x.

    Raises
    ------
    TypeError, ValueError
        As `FiniteSum` does.

    Examples
    --------
    >>> import numpy as np
    >>> problem = LogisticRegression(np.asarray([[-1.0], [1.0]]), np.asarray([0, 1]), l2=0.1)
    >>> problem.oracle(np.zeros(2)).gradient()
    array([-0.5,  0. ])
    """

    def __init__(self, features: Array, targets: Array, *, l2: float = 0.0, intercept: bool = True) -> None:
        check_data(features, targets)
        super().__init__(Linear(int(features.shape[1]), 1, intercept), Bernoulli(), features, targets, l2)
