"""C = diag(a) + ZZᵀ: the axes have curvatures of their own, and k directions have more. Adam's matrix joins SOFIM's."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.sums import largest_magnitude, narrowed, widened
from sofim_ref.arrays.validation import floating, same_backend
from sofim_ref.matrices.cases import Case, Host, Scales, orthogonal_to
from sofim_ref.matrices.exact import Exact, exact, identity
from sofim_ref.matrices.low_rank import LowRank
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.matrices.rank_one import RankOne


@dataclass(frozen=True, eq=False)
class DiagonalPlusLowRank(Matrix):
    r"""The matrix :math:`C = \operatorname{diag}(a) + Z Z^\top`.

    Parameters
    ----------
    diagonal : array, shape (d,)
        The diagonal a. Its entries must be positive and normal numbers of the dtype; that is left to the caller,
        because looking would pull a number off the device in every step.
    factor : array, shape (d, k)
        The factor Z. It may have dependent or zero columns, and k may exceed d.

    Raises
    ------
    TypeError, ValueError
        If `diagonal` is not a 1-D floating array, or `factor` not a 2-D one with as many rows and at least one column,
        on the same backend and device and of the same dtype.

    Notes
    -----
    With s = √a, C is :math:`\operatorname{diag}(s)\,(I + Y Y^\top)\operatorname{diag}(s)`, Y = Z/s row by row. The
    matrix in the middle, C equilibrated, is a `RankOne` for one column and a `LowRank` for more, and is solved with as
    these are. Where a is constant C is that matrix itself. Determinant ∏ aᵢ · det(I + YᵀY). The smallest eigenvalue is
    at least min a, the largest at most max a + ‖Z‖²; between, they interlace with a, and are found densely. Cost
    O(dk²) once and O(dk) a solve, memory O(dk).

    Source: Woodbury 1950; equilibration, van der Sluis 1969, doi:10.1007/BF02165096.

    Examples
    --------
    >>> import numpy as np
    >>> C = DiagonalPlusLowRank(np.asarray([1.0, 4.0]), np.asarray([[0.0], [6.0]]))
    >>> C.to_dense()
    array([[ 1.,  0.],
           [ 0., 40.]])
    >>> C.solve(np.asarray([1.0, 1.0]))
    array([1.   , 0.025])
    """

    diagonal: Array
    factor: Array

    def __post_init__(self) -> None:
        floating("diagonal", self.diagonal, ndim=1)
        floating("factor", self.factor, ndim=2)
        same_backend(diagonal=self.diagonal, factor=self.factor)
        if self.factor.shape[0] != self.diagonal.shape[0] or self.factor.shape[1] == 0:
            d = self.diagonal.shape[0]
            msg = f"factor must have shape ({d}, k) with k >= 1, got {tuple(self.factor.shape)}."
            raise ValueError(msg)

    @property
    def like(self) -> Array:
        """The diagonal a."""
        return self.diagonal

    @cached_property
    def roots(self) -> Array:
        """The s = √a, shape (d,), widened."""
        a = widened(self.diagonal)
        return namespace(a).sqrt(a)

    @cached_property
    def equilibrated(self) -> RankOne | LowRank:
        """The matrix I + YYᵀ with Y = Z/s, widened."""
        Y = widened(self.factor) / self.roots[:, None]
        return RankOne(1.0, Y[:, 0]) if Y.shape[1] == 1 else LowRank(1.0, Y)

    def matvec(self, v: Array) -> Array:
        """Return a v + Z(Zᵀv): two passes over Z."""
        self.check_operand(v)
        a = self.diagonal if v.ndim == 1 else self.diagonal[:, None]
        return a * v + self.factor @ (self.factor.T @ v)

    def solve(self, v: Array) -> Array:
        r"""Return the x with C x = v.

        .. math:: x = y / s, \qquad (I + Y Y^\top)\, y = v / s .

        The backward error is at most c eps for C equilibrated, whatever a and Z are:

        .. math:: \Big\|\frac{C x - v}{s}\Big\| \le c\,\varepsilon\,
                  \Big(\|I + Y Y^\top\|\,\|s \circ x\| + \Big\|\frac vs\Big\|\Big), \qquad c = 10\,(1 + \sqrt k) .

        For the solve with I + YYᵀ takes 8(1 + √k) of it, as in `LowRank.solve`. Rounding s and the quotient Z/s changes
        each entry of Y by 1 eps of itself, so Y by √k eps ‖Y‖ and YYᵀ by 2√k eps ‖Y‖²; v/s and y/s are each three
        roundings of half an eps an entry, which in this norm are changes of v/s and of s∘x by 1.5 eps of their length.
        So x is off by at most 2c κ(I + YYᵀ) eps in this norm, where κ(I + YYᵀ) = 1 + ‖Y‖² has nothing of the spread of
        a in it. In the plain norm the same residual is only known to be within c (max a/min a) eps, and for a diagonal
        of many orders of magnitude it can exceed c eps by far: what is below the rounding of ‖v/s‖ is dropped, even
        where a, and so the residual, is large.

        Parameters
        ----------
        v : array, shape (d,) or (d, k)

        Returns
        -------
        array
            Same shape as `v`. ‖Y‖², v/s and s∘x must be in the range of float64, or, where the device has none, of the
            dtype: with ‖Z‖² and v up to 10¹⁵⁰ they are for a > 10⁻¹⁵⁰.

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype.
        """
        self.check_operand(v)
        s = self.roots if v.ndim == 1 else self.roots[:, None]
        root = namespace(v).sqrt(largest_magnitude(widened(v)))  # v/s may overflow where x doesn't
        return narrowed(self.equilibrated.solve(widened(v) / root / s) / s * root, like=v)

    def factorized(self) -> DiagonalPlusLowRank:
        """Return C itself, the decomposition of Y made."""
        _ = self.equilibrated.factorized()
        return self

    def to_dense(self) -> Array:
        """Return diag(a) + ZZᵀ, shape (d, d)."""
        return self.identity() * self.diagonal + self.factor @ self.factor.T

    def logdet(self) -> Array:
        """Return Σ log aᵢ + log det(I + YYᵀ), shape ()."""
        xp = namespace(self.diagonal)
        return narrowed(2 * xp.sum(xp.log(self.roots)) + self.equilibrated.logdet(), like=self.diagonal)

    def definition(self) -> Exact:
        """Return diag(a) + ZZᵀ."""
        Z = exact(self.factor)
        return np.asarray(exact(self.diagonal) * identity(self.dim) + Z @ Z.T)

    def solve_bound(self) -> float:
        """Return 10 (1 + √k) max a/min a, in the plain norm; numbers are looked at on the host."""
        xp, a = namespace(self.diagonal), detached(self.diagonal)
        return self.equilibrated_bound()[1] * (float(xp.max(a)) / float(xp.min(a)))

    def equilibrated_bound(self) -> tuple[Array, float]:
        """Return √a, and 10 (1 + √k)."""
        return self.roots, 10 * (1 + math.sqrt(self.factor.shape[1]))

    def dense_bound(self) -> float:
        """Return k + 2: k products and as many sums."""
        return float(self.factor.shape[1] + 2)

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every size of Z with every size of a, a constant or over many orders, against Z or along with it."""

        def case(kind: str, a: Host, Z: Host) -> Case:
            a, Z = scales.cast(a), scales.cast(Z)
            s, k = np.sqrt(a.astype(np.float64)), Z.shape[1]
            Y = Z / s[:, None]
            combined = Y / (np.abs(Y).max() or 1.0) @ rng.standard_normal(k)
            along = combined if combined.any() else rng.standard_normal(a.shape[0])
            label = f"{kind}a from {a.min():.1e} to {a.max():.1e}, columns of Z ≈ {np.abs(Z).max():.1e}, k = {k}"
            s = s / np.sqrt(s.max() * s.min())
            return Case(label, cls(a, Z), s * along, s * orthogonal_to(Y, rng))

        for k, size, level in itertools.product(scales.columns, scales.norms[::4], scales.shifts[::3]):
            spread = np.geomspace(1, 1e-4, 6) if level > 1 else np.geomspace(1, 1e4, 6)
            if size**2 / level < 1e300:  # ‖Y‖²
                yield case("", level * spread, size * rng.standard_normal((6, k)))
        for k, orders in itertools.product(scales.columns, (4, 12)):
            spread = np.geomspace(1, 10.0**-orders, 6)
            Z = rng.standard_normal((6, k))
            yield case("Z large where a is small, ", spread, Z)
            yield case("Z as small as a, ", spread, Z * spread[:, None])
            yield case("Z large, ", spread, 1e6 * Z)
            yield case("Z = 0, ", spread, 0 * Z)
            yield case("", spread[:1], Z[:1])
        Z = rng.standard_normal((6, 3))
        for level in scales.shifts[2:-2:3]:
            a = level * rng.uniform(1, 2, 6)
            yield case("one column three times, ", a, Z[:, [0, 0, 0]])
            yield case("columns from 1 to 1e-10, ", a, Z * np.asarray([1.0, 1e-5, 1e-10]))
