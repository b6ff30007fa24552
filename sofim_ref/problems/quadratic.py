"""The quadratic loss ½wᵀAw − bᵀw, on which every method can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.validation import finite, floating, same_backend
from sofim_ref.problems.constants import Constants
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import Problem


@dataclass(frozen=True, eq=False)
class Quadratic(Problem):
    r"""The loss :math:`f(w) = \tfrac12 w^\top A w - b^\top w`, with gradient Aw − b and Hessian A.

    Parameters
    ----------
    matrix : array, shape (d, d)
        The matrix A, symmetric. Positive definite if there is to be an optimum.
    linear : array, shape (d,)
        The vector b.

    Raises
    ------
    TypeError, ValueError
        If shapes, backends, devices or dtypes don't fit, A isn't symmetric, or a number isn't finite.

    Examples
    --------
    >>> import numpy as np
    >>> Quadratic(np.asarray([[2.0, 0.0], [0.0, 8.0]]), np.asarray([2.0, 8.0])).optimum()
    array([1., 1.])
    """

    matrix: Array
    linear: Array

    def __post_init__(self) -> None:
        floating("matrix", self.matrix, ndim=2)
        floating("linear", self.linear, ndim=1)
        same_backend(matrix=self.matrix, linear=self.linear)
        d = self.linear.shape[0]
        if d == 0:
            msg = "linear must have at least one entry, got shape (0,)."
            raise ValueError(msg)
        if self.matrix.shape != (d, d):
            msg = f"matrix must have shape ({d}, {d}) to go with linear, got {tuple(self.matrix.shape)}."
            raise ValueError(msg)
        object.__setattr__(self, "like", self.linear)
        finite("matrix", self.matrix)
        finite("linear", self.linear)
        if not bool(namespace(self.matrix).all(self.matrix == self.matrix.T)):
            msg = "matrix must be symmetric, got one that differs from its transpose."
            raise ValueError(msg)

    @cached_property
    def dim(self) -> int:
        """The number d of parameters."""
        return int(self.linear.shape[0])

    def answer_value(self, at: Oracle) -> Array:
        """Return ½wᵀAw − bᵀw, shape ()."""
        return 0.5 * (at.w @ (self.matrix @ at.w)) - self.linear @ at.w

    def answer_gradient(self, at: Oracle) -> Array:
        """Return Aw − b, shape (d,)."""
        A, w = self.matrix, at.w
        return (A.dot(w) if type(A) is np.ndarray else A @ w) - self.linear  # the same; @ costs twice as much to call

    def answer_hvp(self, at: Oracle, v: Array) -> Array:
        """Return Av."""
        return self.matrix @ v

    def answer_hessian(self, at: Oracle) -> Array:
        """Return A, shape (d, d)."""
        return self.matrix

    def constants(self, center: Array | None = None, radius: float | None = None) -> Constants:
        """Return the extreme eigenvalues of A, their rounding d eps ‖A‖ allowed for, and 0: the Hessian is constant.

        They are the same in every ball.
        """
        xp = namespace(self.matrix)
        eigenvalues = xp.linalg.eigvalsh(self.matrix)
        smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
        rounding = self.dim * eps(xp, self.matrix.dtype) * max(abs(smallest), abs(largest))
        return Constants(mu=smallest - rounding, L=largest + rounding, hessian_lipschitz=0.0)

    def optimum(self) -> Array:
        """Return A⁻¹b, shape (d,).

        Raises
        ------
        ValueError
            If A isn't positive definite.
        """
        if self.constants().mu <= 0:  # type: ignore[operator]  # constants() of this class has no None
            msg = "matrix must be positive definite for an optimum to exist, got an eigenvalue <= 0, up to rounding."
            raise ValueError(msg)
        return namespace(self.matrix).linalg.solve(self.matrix, self.linear[:, None])[:, 0]
