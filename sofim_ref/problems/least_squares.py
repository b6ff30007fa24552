"""Linear least squares: a Gaussian likelihood over a linear model."""

from __future__ import annotations

from functools import partial

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Gaussian
from sofim_ref.models import Linear
from sofim_ref.problems.finite_sum import FiniteSum


class LeastSquares(FiniteSum):
    r"""The loss :math:`\frac{1}{2N} \sum_n \|W^\top \bar x_n - y_n\|^2 + \frac{\lambda}{2} \|w\|^2`.

    Fisher matrix, Gauss–Newton matrix and Hessian (less l2 I) are one constant matrix, so one natural-gradient step
    with lr 1 and damping equal to l2 lands on the optimum.

    Parameters
    ----------
    features, targets, l2
        As `FiniteSum` takes and refuses them: numbers for targets, shape (N,) or (N, C).
    intercept : bool
        Whether a 1 is appended to each x.

    Examples
    --------
    >>> import numpy as np
    >>> LeastSquares(np.asarray([[0.0], [1.0]]), np.asarray([1.0, 3.0])).optimum().round(12)
    array([2., 1.])
    """

    def __init__(self, features: Array, targets: Array, *, l2: float = 0.0, intercept: bool = True) -> None:
        super().__init__(partial(Linear, intercept=intercept), Gaussian(), features, targets, l2)
