"""C written out: any symmetric matrix, all d² numbers kept. It is Newton's matrix."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.factorizations import Factors, lu_factor, lu_solve, solve
from sofim_ref.arrays.validation import floating
from sofim_ref.matrices.cases import Case, Scales, spectrum
from sofim_ref.matrices.matrix import Matrix, host_copy


@dataclass(frozen=True, eq=False)
class Dense(Matrix):
    r"""A symmetric matrix C kept as the array that it is.

    Parameters
    ----------
    matrix : array, shape (d, d)
        The entries; taken as symmetric, not checked, because looking would cost a pass and a number off the device.
    lu : pair of arrays, optional
        Its LU factors, which `factorized` fills in.

    Raises
    ------
    TypeError, ValueError
        If `matrix` is not a square 2-D floating array.

    Notes
    -----
    `solve` is LU with partial pivoting, 2d³/3 operations, so that it also serves an indefinite Hessian; its backward
    error grows slowly with d, at most 8 √d eps in all the cases that `sofim-ref verify` evaluates. With the factors
    each solve costs 2d². array-api-strict has no LU, and there `factorized` saves nothing.

    Examples
    --------
    >>> import numpy as np
    >>> Dense(np.asarray([[2.0, 1.0], [1.0, 2.0]])).solve(np.asarray([3.0, 3.0]))
    array([1., 1.])
    """

    matrix: Array
    lu: Factors | None = field(default=None, repr=False, kw_only=True)

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
        """Return the x with C x = v: 2d³/3 operations, or 2d² with the factors."""
        self.check_operand(v)
        if v.ndim == 1:
            return self.solve(v[:, None])[:, 0]
        return solve(self.matrix, v) if self.lu is None else lu_solve(self.lu, v)

    def factorized(self) -> Dense:
        """Return C with its LU factors: 2d³/3 operations."""
        return self if self.lu is not None else replace(self, lu=lu_factor(self.matrix))

    def to_dense(self) -> Array:
        """Return the matrix itself."""
        return self.matrix

    def in_float64(self) -> Dense:
        """Return the matrix on the host in float64, made symmetric to the last bit, its factors left behind."""
        C = host_copy(self.matrix)
        return Dense((C + C.T) / 2)

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every size and condition number with an even spectrum, and with one large eigenvalue; and d = 1."""
        for norm, condition, shape in itertools.product(scales.norms[::4], scales.conditions, ("even", "one large")):
            eigenvalues = spectrum(8, condition)
            if shape == "one large":
                eigenvalues[1:] = eigenvalues[-1]
            Q = np.linalg.qr(rng.standard_normal((8, 8)))[0]
            C = norm * ((Q * eigenvalues) @ Q.T)
            label = f"‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}, {shape} spectrum, d = 8"
            yield Case(label, cls(scales.cast((C + C.T) / 2)), Q[:, 0], Q[:, -1])
        for norm in scales.norms[::4]:
            yield Case(f"C = {norm:.0e}, d = 1", cls(scales.cast(np.full((1, 1), norm))), np.ones(1), np.ones(1))
