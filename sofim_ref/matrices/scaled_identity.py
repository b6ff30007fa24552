"""C = c I: the same curvature in every direction. It is gradient descent's matrix."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import floating, positive_in_dtype
from sofim_ref.matrices.cases import Case, Scales
from sofim_ref.matrices.exact import Exact, exact, identity
from sofim_ref.matrices.extremes import Extremes
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

    knows_extremes = True

    def __post_init__(self) -> None:
        v, c = self.vector, self.scale
        if type(v) is np.ndarray and v.ndim == 1 and v.dtype.char in "fd" and type(c) is float and c == 1:
            return  # what the checks below would let pass as it is
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
        return self.scale * self.identity()

    def eigenvalues(self) -> Array:
        """Return c, d times."""
        return namespace(self.vector).full_like(self.vector, self.scale)

    def extreme_eigenvalues(self) -> Extremes:
        """Return c twice, exactly."""
        return Extremes(self.scale, self.scale, 0.0)

    def definition(self) -> Exact:
        """Return c I."""
        return np.asarray(exact(self.scale) * identity(self.dim))

    def solve_bound(self) -> float:
        """Return 1: one division an entry."""
        return 1.0

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every order of c, and d = 1; every direction is one of both extremes."""
        for d, shift in itertools.product((6, 1), scales.shifts):
            c = shift * rng.uniform(1, 2)
            one, other = rng.standard_normal((2, d))
            yield Case(f"c = {c:.3g}, d = {d}", cls(c, scales.cast(one)), one, other)
