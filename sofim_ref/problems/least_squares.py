"""Linear least squares: a Gaussian likelihood over a linear model."""

from __future__ import annotations

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Gaussian
from sofim_ref.models import Linear
from sofim_ref.problems.finite_sum import FiniteSum, check_data


class LeastSquares(FiniteSum):
    r"""The loss :math:`\frac{1}{2N} \sum_n \|W^\top \bar x_n - y_n\|^2 + \frac{\lambda}{2} \|w\|^2`.

    Fisher matrix, Gauss–Newton matrix and Hessian (less l2 I) are one constant matrix, so one natural-gradient step
    with lr 1 and damping equal to l2 lands on the optimum.

    Parameters
    ----------
    features : array, shape (N, p)
    targets : array, shape (N,) or (N, C)
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
    >>> LeastSquares(np.asarray([[0.0], [1.0]]), np.asarray([1.0, 3.0])).optimum().round(12)
    array([2., 1.])
    """

    def __init__(self, features: Array, targets: Array, *, l2: float = 0.0, intercept: bool = True) -> None:
        check_data(features, targets)
        likelihood = Gaussian()
        model = Linear(int(features.shape[1]), likelihood.outputs(targets), intercept)
        super().__init__(model, likelihood, features, targets, l2)
