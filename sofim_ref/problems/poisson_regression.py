"""Poisson regression: a Poisson likelihood over a linear model."""

from __future__ import annotations

from functools import partial

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Poisson
from sofim_ref.models import Linear
from sofim_ref.problems.finite_sum import FiniteSum


class PoissonRegression(FiniteSum):
    r"""The loss :math:`\frac1N \sum_n e^{f_n} - y_n f_n + \frac{\lambda}{2} \|w\|^2`, f = Wᵀx̄.

    Convex, its Fisher matrix its Hessian less l2 I; but nothing bounds the curvature eᶠ, so that `constants` knows μ
    only.

    Parameters
    ----------
    features, targets, l2
        As `FiniteSum` takes and refuses them: counts 0, 1, 2, … for targets, shape (N,) or (N, C).
    intercept : bool
        Whether a 1 is appended to each x.

    Examples
    --------
    >>> import numpy as np
    >>> problem = PoissonRegression(np.asarray([[0.0], [0.0]]), np.asarray([1, 3]), l2=1e-9)
    >>> float(np.exp(problem.optimum()[1]).round(6))  # the intercept: the logarithm of the mean count
    2.0
    """

    def __init__(self, features: Array, targets: Array, *, l2: float = 0.0, intercept: bool = True) -> None:
        super().__init__(partial(Linear, intercept=intercept), Poisson(), features, targets, l2)
