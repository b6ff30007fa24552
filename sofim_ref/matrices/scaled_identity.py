"""C = c I: every direction is equally steep. It is what gradient descent believes."""

from __future__ import annotations

from dataclasses import dataclass

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import floating, positive_in_dtype
from sofim_ref.matrices.matrix import Matrix


@dataclass(frozen=True, eq=False)
class ScaledIdentity(Matrix):
    r"""The matrix :math:`C = c\,I`.

    Parameters
    ----------
    scale : float
        The number c > 0, from the smallest normal number of the dtype to one over it.
    vector : array, shape (d,)
        Any vector of the space; it gives d, backend, device and dtype. Its values don't matter.

    Raises
    ------
    TypeError, ValueError
        If `scale` is not such a number, or `vector` not a 1-D floating array.

    Notes
    -----
    `solve` and `matvec` cost d multiplications; the backward error of `solve` is at most 1 eps.

    Examples
    --------
    >>> import numpy as np
    >>> ScaledIdentity(4.0, np.zeros(2)).solve(np.asarray([1.0, 2.0]))
    array([0.25, 0.5 ])
    """

    scale: float
    vector: Array

    def __post_init__(self) -> None:
        floating("vector", self.vector, ndim=1)
        object.__setattr__(self, "scale", positive_in_dtype("scale", self.scale, self.vector))

    @property
    def like(self) -> Array:
        """The vector that was given."""
        return self.vector

    def matvec(self, v: Array) -> Array:
        """Return c v."""
        self.check_operand(v)
        return v * self.scale

    def solve(self, v: Array) -> Array:
        """Return v / c."""
        self.check_operand(v)
        return v / self.scale

    def to_dense(self) -> Array:
        """Return c I, shape (d, d)."""
        xp = namespace(self.vector)
        return self.scale * xp.eye(self.dim, dtype=self.vector.dtype, device=device(self.vector))

    def eigenvalues(self) -> Array:
        """Return c, d times."""
        xp = namespace(self.vector)
        return xp.full(self.dim, self.scale, dtype=self.vector.dtype, device=device(self.vector))
