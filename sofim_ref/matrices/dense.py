"""C written out: every direction has its own steepness, and all d² numbers are kept. Newton's matrix."""

from __future__ import annotations

from dataclasses import dataclass

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import floating
from sofim_ref.matrices.matrix import Matrix


class SingularMatrixError(ValueError):
    """Raised where C can't be inverted."""


@dataclass(frozen=True, eq=False)
class Dense(Matrix):
    r"""A symmetric matrix C kept as the array that it is.

    Parameters
    ----------
    matrix : array, shape (d, d)
        The entries; taken as symmetric, not checked, because looking would cost a pass and a number off the device.

    Raises
    ------
    TypeError, ValueError
        If `matrix` is not a square 2-D floating array.

    Notes
    -----
    `solve` is LU with partial pivoting, 2d³/3 operations, so that it also serves an indefinite Hessian; its backward
    error grows slowly with d, at most 8 √d eps in all the cases that `sofim-ref verify` plays. `eigenvalues` costs
    O(d³).

    Examples
    --------
    >>> import numpy as np
    >>> Dense(np.asarray([[2.0, 1.0], [1.0, 2.0]])).solve(np.asarray([3.0, 3.0]))
    array([1., 1.])
    """

    matrix: Array

    def __post_init__(self) -> None:
        floating("matrix", self.matrix, ndim=2)
        if self.matrix.shape[0] != self.matrix.shape[1]:
            msg = f"matrix must be square, got shape {tuple(self.matrix.shape)}."
            raise ValueError(msg)

    @property
    def like(self) -> Array:
        """The matrix itself."""
        return self.matrix

    def matvec(self, v: Array) -> Array:
        """Return C v: 2d² operations."""
        self.check_operand(v)
        return self.matrix @ v

    def solve(self, v: Array) -> Array:
        """Return the x with C x = v: 2d³/3 operations.

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype.
        SingularMatrixError
            A ValueError, if C is singular and the backend says so (JAX and CuPy return infinities instead).
        """
        self.check_operand(v)
        if v.ndim == 1:
            return self.solve(v[:, None])[:, 0]
        try:
            return namespace(v).linalg.solve(self.matrix, v)
        except Exception as error:  # each backend has a LinAlgError of its own
            if "singular" not in str(error).lower():
                raise
            msg = f"C, shape {self.shape}, is singular and can't be solved; damping > 0 makes it regular."
            raise SingularMatrixError(msg) from error

    def to_dense(self) -> Array:
        """Return the matrix itself."""
        return self.matrix

    def eigenvalues(self) -> Array:
        """Return the eigenvalues in ascending order, shape (d,)."""
        return namespace(self.matrix).linalg.eigvalsh(self.matrix)
