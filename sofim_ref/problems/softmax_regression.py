"""Softmax regression: a categorical likelihood over a linear model."""

from __future__ import annotations

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Categorical
from sofim_ref.models import Linear
from sofim_ref.problems.finite_sum import FiniteSum, check_data


class SoftmaxRegression(FiniteSum):
    r"""The loss :math:`\frac1N \sum_n \log \sum_c e^{f_{nc}} - f_{n y_n} + \frac{\lambda}{2} \|w\|^2`, f = Wᵀx̄.

    Convex. One weight vector for each class, so a common shift of all of them changes nothing: with λ = 0 there is a
    whole subspace of optima. Its Fisher matrix is its Hessian less l2 I.

    Parameters
    ----------
    features : array, shape (N, p)
    targets : array, shape (N,)
        Integer labels 0 … C−1, of any dtype; C is the largest label plus one.
    l2 : float
        The number λ >= 0.
    intercept : bool
        Whether a 1 is appended to each x.

    Raises
    ------
    TypeError, ValueError
        As `FiniteSum` does.

    Examples
    --------
    >>> import numpy as np
    >>> problem = SoftmaxRegression(np.asarray([[-1.0], [1.0]]), np.asarray([0, 2]), l2=0.1)
    >>> problem.dim, float(problem.error(problem.initial_point()))
    (6, 0.5)
    """

    def __init__(self, features: Array, targets: Array, *, l2: float = 0.0, intercept: bool = True) -> None:
        check_data(features, targets)
        likelihood = Categorical()
        model = Linear(int(features.shape[1]), likelihood.outputs(targets), intercept)
        super().__init__(model, likelihood, features, targets, l2)
