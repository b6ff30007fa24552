"""C = A^p ⊗ G^q: powers of a layer's two factors. It is Shampoo's matrix, with p = q = ¼, and Muon's, with q = 0."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from sofim_ref.arrays import Array, device, eps, namespace, smallest_normal
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.sums import largest_magnitude
from sofim_ref.arrays.validation import finite_number, floating, same_backend, shown
from sofim_ref.matrices.cases import Case, Scales, positive_definite
from sofim_ref.matrices.exact import Exact, exact, identity
from sofim_ref.matrices.extremes import Extremes
from sofim_ref.matrices.matrix import Matrix, host_copy
from sofim_ref.matrices.rotated_diagonal import RotatedDiagonal

Spectrum = tuple[Array, Array]
"""The eigenvectors Q, shape (n, n), in its columns, and the eigenvalues, shape (n,), of a factor."""


@dataclass(frozen=True, eq=False)
class KroneckerPower(Matrix):
    r"""The matrix :math:`C = A^p \otimes G^q` of powers of two symmetric positive definite factors, d = mn.

    With the eigendecompositions :math:`A = Q \operatorname{diag}(a) Q^\top`, :math:`G = U \operatorname{diag}(g)
    U^\top`, and V the (m, n) matrix of v, row after row,

    .. math:: C^{-1} v = A^{-p} V G^{-q} = Q \Big(\frac{Q^\top V U}{a^p \, (g^q)^\top}\Big) U^\top .

    Parameters
    ----------
    left : array, shape (m, m)
        The factor A.
    right : array, shape (n, n)
        The factor G. Both are taken as symmetric and positive definite, not checked, as in `Kronecker`.
    powers : pair of float
        The numbers p and q in [0, 1]. A factor whose power is 0 is the identity, and is not decomposed.
    spectra : pair of pairs of arrays, optional
        The eigenvectors and eigenvalues of A and of G, in any order, which `factorized` fills in.

    Raises
    ------
    TypeError, ValueError
        If a factor is not a square 2-D floating array, they differ in backend, device or dtype, or a power is not in
        [0, 1].

    Notes
    -----
    Eigenvalues: every aᵢᵖ gⱼ^q, all of which must be normal numbers of the dtype. Determinant (det A)^(pn)
    (det G)^(qm). The decompositions cost about 9(m³ + n³) operations, a product or a solve 4d(m + n) more; memory
    m² + n². An eigenvalue of A below m eps ‖A‖ can't be told from zero and is raised to that.

    A computed decomposition is the exact one of A + E, ‖E‖ ≤ c_m eps ‖A‖ with c_m = 8 √m as for `Dense`, and what
    follows is the solve of a `RotatedDiagonal`, whose own bound is the first term below. What E does to the power is
    more where p < 1, since xᵖ is steep at zero: by van Hemmen and Ando ‖(A + E)ᵖ − Aᵖ‖ is at most p ‖E‖/α^(1−p) where
    both matrices are at least αI, and at most ‖E‖ᵖ in any case. With κ̂ the condition number of the decomposition, at
    most 1/(m eps), both are at most c_m eps κ̂^(1−p) ‖A‖ᵖ. So the backward error of `solve` is at most that of
    `RotatedDiagonal.solve` plus 8 √m κ̂(A)^(1−p) + 8 √n κ̂(G)^(1−q) eps, without the term of a factor whose power is 0.
    No algorithm that is given A rounded can do better than κ^(1−p): rounding A alone changes C by as much.

    Limits: p = q = 1 is `Kronecker`; p = q = 0 the identity.

    Source: Gupta, Koren & Singer 2018, arXiv 1802.09568, for p = q = ¼; van Hemmen & Ando 1980,
    doi:10.1007/BF01212822, for the bound.

    Examples
    --------
    >>> import numpy as np
    >>> C = KroneckerPower(np.diag([1.0, 16.0]), np.diag([16.0, 81.0]), (0.5, 0.25))
    >>> C.to_dense().diagonal().round(12)
    array([ 2.,  3.,  8., 12.])
    >>> C.solve(np.asarray([2.0, 3.0, 8.0, 12.0])).round(12)
    array([1., 1., 1., 1.])
    """

    left: Array
    right: Array
    powers: tuple[float, float] = (0.25, 0.25)
    spectra: tuple[Spectrum, Spectrum] | None = field(default=None, repr=False, kw_only=True)

    knows_extremes = True

    def __post_init__(self) -> None:
        for name, factor in (("left", self.left), ("right", self.right)):
            floating(name, factor, ndim=2)
            if factor.shape[0] != factor.shape[1]:
                msg = f"{name} must be square, got shape {tuple(factor.shape)}."
                raise ValueError(msg)
        same_backend(left=self.left, right=self.right)
        if not isinstance(self.powers, tuple) or len(self.powers) != 2:
            msg = f"powers must be a pair of numbers from 0 to 1, got {shown(self.powers)}."
            raise TypeError(msg)
        for power in self.powers:
            finite_number("powers", power)
            if not 0 <= power <= 1:
                msg = f"powers must be numbers from 0 to 1, got {self.powers}."
                raise ValueError(msg)

    @property
    def like(self) -> Array:
        """The factor A."""
        return self.left

    @property
    def dim(self) -> int:
        """The number d = mn of rows, and of columns."""
        return int(self.left.shape[0] * self.right.shape[0])

    def matvec(self, v: Array) -> Array:
        """Return Aᵖ V G^q: 4d(m + n) operations beyond the decompositions."""
        self.check_operand(v)
        return self._rotated().matvec(v)

    def solve(self, v: Array) -> Array:
        """Return A⁻ᵖ V G⁻^q: 4d(m + n) operations beyond the decompositions."""
        self.check_operand(v)
        return self._rotated().solve(v)

    def factorized(self) -> KroneckerPower:
        """Return C with the decompositions of A and G, except of a factor whose power is 0."""
        if self.spectra is not None:
            return self
        A, G = (_spectrum(*pair) for pair in zip((self.left, self.right), self.powers, strict=True))
        return replace(self, spectra=(A, G))

    def to_dense(self) -> Array:
        """Return Aᵖ ⊗ G^q, shape (d, d)."""
        self.check_memory()
        return self._rotated().to_dense()

    def eigenvalues(self) -> Array:
        """Return the aᵢᵖ gⱼ^q in ascending order."""
        return self._rotated().eigenvalues()

    def extreme_eigenvalues(self) -> Extremes:
        """Return the extreme aᵢᵖ gⱼ^q, for an a and a g that are off by as much as `Dense`'s eigenvalues."""
        least = most = low = high = 1.0
        for (_, values), power in self._factors():
            smallest, largest = _ends(values)
            off = 2 * values.shape[0] * eps(namespace(values), values.dtype) * largest
            least, most = least * smallest**power, most * largest**power
            low, high = low * max(smallest - off, 0.0) ** power, high * (smallest + off) ** power
        unit = eps(namespace(self.left), self.left.dtype)
        return Extremes(least, most, max(high - least, least - low) + 4 * unit * least)

    def in_float64(self) -> KroneckerPower:
        """Return Aᵖ ⊗ G^q on the host in float64, the decompositions left behind."""
        return KroneckerPower(host_copy(self.left), host_copy(self.right), self.powers)

    def logdet(self) -> Array:
        """Return pn log det A + qm log det G, shape ()."""
        xp = namespace(self.left)
        (one, other), (p, q) = self._factors(), self.powers
        a, g = one[0][1], other[0][1]
        return p * g.shape[0] * xp.sum(xp.log(a)) + q * a.shape[0] * xp.sum(xp.log(g))

    def definition(self) -> Exact:
        """Return Aᵖ ⊗ G^q by the eigendecompositions in the working precision."""
        return np.kron(*(_exact_power(*pair) for pair in zip((self.left, self.right), self.powers, strict=True)))

    def solve_bound(self) -> float:
        """Return that of `RotatedDiagonal` plus 8 √m κ̂(A)^(1−p) + 8 √n κ̂(G)^(1−q), but for a power 0."""
        return self._rotated().solve_bound() + sum(8 * math.sqrt(size) * lost for size, lost in self._lost())

    def dense_bound(self) -> float:
        """Return that of `RotatedDiagonal` plus d times what `solve_bound` adds: ‖C‖ is at most d of its entries."""
        own = self._rotated()
        return own.dense_bound() + self.dim * sum(8 * math.sqrt(size) * lost for size, lost in self._lost())

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every size and condition number with several powers, 0 among them; a factor of one number too.

        Those whose C would have eigenvalues that underflow are left out.
        """
        kinds = (((3, 2), (0.25, 0.25)), ((1, 4), (0.5, 0.5)), ((3, 2), (0.5, 0.0)), ((2, 3), (1.0, 0.25)))
        for norm, condition, (sizes, powers) in itertools.product(scales.norms[::4], scales.conditions[:3], kinds):
            least = norm ** powers[0] * min(norm, 1 / norm) ** powers[1] / condition
            if least < 1e3 * np.finfo(scales.dtype).smallest_normal:
                continue  # C's own eigenvalues would underflow, and JAX takes what does for 0
            A, G = (
                scales.cast(size * positive_definite(rng, n, condition**0.5))
                for size, n in zip((norm, min(norm, 1 / norm)), sizes, strict=True)
            )
            shape = f"A {sizes[0]} × {sizes[0]}, G {sizes[1]} × {sizes[1]}"
            label = f"{shape}, p, q = {powers}, ‖A‖ ≈ {norm:.0e}, κ(A) ≈ {condition**0.5:.0e}"
            yield Case.of(label, cls(A, G, powers))

    def _factors(self) -> list[tuple[Spectrum, float]]:
        """Return the decomposition of each factor with its power."""
        spectra = self.factorized().spectra
        assert spectra is not None  # mypy can't see that `factorized` fills it in
        return list(zip(spectra, self.powers, strict=True))

    def _rotated(self) -> RotatedDiagonal:
        """Return C in the coordinates of the eigenvectors."""
        xp = namespace(self.left)
        ((Q, a), p), ((U, g), q) = self._factors()
        return RotatedDiagonal(Q, U, xp.reshape((a**p)[:, None] * (g**q)[None, :], (-1,)))

    def _lost(self) -> list[tuple[int, float]]:
        """Return the size of each factor and its κ̂^(1 − power), but of one whose power is 0."""
        ends = [(a.shape[0], *_ends(a), power) for (_, a), power in self._factors() if power > 0]
        return [(size, (largest / smallest) ** (1 - power)) for size, smallest, largest, power in ends]


def _spectrum(A: Array, power: float) -> Spectrum:
    """Return Q and a, every a at least n eps times the largest; of a factor whose power is 0 those of I."""
    xp, n = namespace(A), A.shape[0]
    if power == 0:
        eye = xp.eye(n, dtype=A.dtype, device=device(A))
        return eye, xp.linalg.diagonal(eye)
    scale = xp.max(largest_magnitude(A))
    a, Q = xp.linalg.eigh(A / scale)
    floor = xp.maximum(n * eps(xp, A.dtype) * a[-1], xp.zeros_like(a[-1]) + smallest_normal(xp, A.dtype))
    return Q, xp.maximum(a, floor) * scale


def _ends(a: Array) -> tuple[float, float]:
    """Return the smallest and the largest eigenvalue of a factor, on the host."""
    xp, a = namespace(a), detached(a)
    return float(xp.min(a)), float(xp.max(a))


def _exact_power(A: Array, power: float) -> Exact:
    """Return Aᵖ in the working precision; a negative eigenvalue, which is rounding of A, counts as zero."""
    from mpmath import mp

    if power == 0:
        return identity(A.shape[0])
    a, Q = mp.eigsy(mp.matrix(exact(A).tolist()))
    n = A.shape[0]
    roots = [mp.power(max(x, 0), power) for x in a]
    return np.asarray([[mp.fsum(Q[i, k] * roots[k] * Q[j, k] for k in range(n)) for j in range(n)] for i in range(n)])
