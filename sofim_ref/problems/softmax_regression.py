"""Softmax regression: a categorical likelihood over a linear model."""

from __future__ import annotations

from functools import partial

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Categorical
from sofim_ref.models import Linear
from sofim_ref.problems.finite_sum import FiniteSum


class SoftmaxRegression(FiniteSum):
    r"""The loss :math:`\frac1N \sum_n \log \sum_c e^{f_{nc}} - f_{n y_n} + \frac{\lambda}{2} \|w\|^2`, f = Wᵀx̄.

    Convex. One weight vector for each class, so a common shift of all of them changes nothing: with λ = 0 there is a
    whole subspace of optima. Its Fisher matrix is its Hessian less l2 I.

    Parameters
    ----------
    features, targets, l2
        As `FiniteSum` takes and refuses them: integer labels 0 … C−1 for targets, shape (N,).
    classes : int, optional
        The number C of classes: see `Categorical`.
    intercept : bool
        Whether a 1 is appended to each x.

    Examples
    --------
    >>> import numpy as np
    >>> problem = SoftmaxRegression(np.asarray([[-1.0], [1.0]]), np.asarray([0, 2]), classes=3, l2=0.1)
    >>> problem.dim, float(problem.error(problem.initial_point()))
    (6, 0.5)
    """

    def __init__(
        self, features: Array, targets: Array, *, classes: int | None = None, l2: float = 0.0, intercept: bool = True
    ) -> None:
        super().__init__(partial(Linear, intercept=intercept), Categorical(classes), features, targets, l2)
