"""C = diag(c): each coordinate has a steepness of its own. It is what Adam and its kin believe."""

from __future__ import annotations

from dataclasses import dataclass

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import floating
from sofim_ref.matrices.matrix import Matrix


@dataclass(frozen=True, eq=False)
class Diagonal(Matrix):
    r"""The matrix :math:`C = \operatorname{diag}(c_1, \dots, c_d)`.

    Parameters
    ----------
    values : array, shape (d,)
        The diagonal c. Positive entries make C positive definite; that is left to the caller, because looking
        would pull a number off the device in every step.

    Raises
    ------
    TypeError, ValueError
        If `values` is not a 1-D floating array.

    Notes
    -----
    `solve` and `matvec` cost d operations; the backward error of `solve` is at most 1 eps, entry by entry.

    Examples
    --------
    >>> import numpy as np
    >>> Diagonal(np.asarray([1.0, 4.0])).solve(np.asarray([1.0, 1.0]))
    array([1.  , 0.25])
    """

    values: Array

    def __post_init__(self) -> None:
        floating("values", self.values, ndim=1)

    @property
    def like(self) -> Array:
        """The diagonal."""
        return self.values

    def matvec(self, v: Array) -> Array:
        """Return c v, entry by entry."""
        self.check_operand(v)
        return self._beside(v) * v

    def solve(self, v: Array) -> Array:
        """Return v / c, entry by entry."""
        self.check_operand(v)
        return v / self._beside(v)

    def to_dense(self) -> Array:
        """Return diag(c), shape (d, d)."""
        xp = namespace(self.values)
        eye = xp.eye(self.dim, dtype=self.values.dtype, device=device(self.values))
        return eye * self.values

    def eigenvalues(self) -> Array:
        """Return c in ascending order."""
        return namespace(self.values).sort(self.values)

    def _beside(self, v: Array) -> Array:
        return self.values if v.ndim == 1 else self.values[:, None]
