"""C = Q diag(a) Qᵀ, Q a Kronecker product: curvature that is diagonal in a rotated basis, as EKFAC's and SOAP's is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, eps, namespace, to_numpy
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.sums import largest_magnitude
from sofim_ref.arrays.validation import floating, same_backend
from sofim_ref.matrices.cases import Case, Host, Scales, spectrum
from sofim_ref.matrices.exact import Exact, exact
from sofim_ref.matrices.extremes import Extremes
from sofim_ref.matrices.kronecker import on_both_sides
from sofim_ref.matrices.matrix import Matrix


@dataclass(frozen=True, eq=False)
class RotatedDiagonal(Matrix):
    r"""The matrix :math:`C = Q \operatorname{diag}(a)\, Q^\top` with an orthogonal :math:`Q = Q_A \otimes Q_G`, d = pq.

    Entry i·q + c of a vector belongs to row i of Q_A and row c of Q_G: it is the (p, q) matrix V, row after row. With
    :math:`\mathcal A` the vector a read the same way and :math:`\oslash` the division entry by entry,

    .. math:: C^{-1} v = Q_A \big( (Q_A^\top V Q_G) \oslash \mathcal A \big) Q_G^\top .

    Parameters
    ----------
    left : array, shape (p, p)
        The factor Q_A.
    right : array, shape (q, q)
        The factor Q_G. Both are taken as orthogonal up to rounding, not checked, as eigenvectors and QR factors are.
    values : array, shape (p·q,)
        The diagonal a. Positive entries make C positive definite, which is left to the caller, as in `Diagonal`.

    Raises
    ------
    TypeError, ValueError
        If a factor is not a square 2-D floating array, `values` not a 1-D one of length p·q, or they differ in backend,
        device or dtype.

    Notes
    -----
    The columns of Q are eigenvectors and the entries of a eigenvalues, p·q free ones, where `Kronecker` has only the
    products of p and q: of all matrices with these eigenvectors it can be the nearest. `matvec` and `solve` cost
    4d(p + q) operations; memory p² + q² + d.

    C is what its fields say, and a computed Q is orthogonal only up to :math:`\delta = \|Q^\top Q - I\|`. Then
    :math:`Q^\top Q = I + E` and x = Q diag(a)⁻¹ Qᵀ v, without rounding, leaves
    :math:`C x - v = (QQ^\top - I)\, v + Q \operatorname{diag}(a)\, E \operatorname{diag}(a)^{-1} Q^\top v`, at most
    :math:`\delta (\|v\| + \|C\| \|x\|)` to first order: neither needs a condition number. Rounding adds to both: an
    entry of a product with Q_A or Q_G is n products and their sum, so off by at most n/2 eps times the lengths of a row
    of Q, 1, and of a column of V, which makes √n · n/2 eps for all n rows. Errors before the division are shares of
    ‖v‖, and those after it shares of ‖x‖, multiplied by ‖C‖. With one eps more for the division and the scales, the
    backward error of `solve` is at most (p√p + q√q)/2 + 1 + δ/eps eps, at any scale of a and v. `departure` measures δ.

    Limits: Q = I is `Diagonal`; a the products of A's and G's eigenvalues, `Kronecker` of A and G.

    Source: George et al. 2018, arXiv 1806.03884, eq. 6, for the matrix; Higham, Accuracy and Stability of Numerical
    Algorithms, §3.5, for the bound on a product.

    Examples
    --------
    >>> import numpy as np
    >>> turn = np.asarray([[0.6, -0.8], [0.8, 0.6]])
    >>> C = RotatedDiagonal(turn, np.eye(1), np.asarray([1.0, 100.0]))
    >>> C.to_dense().round(12)
    array([[ 64.36, -47.52],
           [-47.52,  36.64]])
    >>> C.solve(np.asarray([0.6, 0.8])).round(12)  # an eigenvector, of the eigenvalue 1
    array([0.6, 0.8])
    """

    left: Array
    right: Array
    values: Array

    knows_extremes = True

    def __post_init__(self) -> None:
        for name, factor in (("left", self.left), ("right", self.right)):
            floating(name, factor, ndim=2)
            if factor.shape[0] != factor.shape[1]:
                msg = f"{name} must be square, got shape {tuple(factor.shape)}."
                raise ValueError(msg)
        floating("values", self.values, ndim=1)
        same_backend(left=self.left, right=self.right, values=self.values)
        p, q = self.left.shape[0], self.right.shape[0]
        if self.values.shape[0] != p * q:
            msg = f"values must have length {p} · {q}, one for each column of Q, got {self.values.shape[0]}."
            raise ValueError(msg)

    @property
    def like(self) -> Array:
        """The diagonal a."""
        return self.values

    def departure(self) -> float:
        """Return a bound on ‖QᵀQ − I‖, a number on the host: how far the computed Q is from an orthogonal one."""
        departures = []
        for factor in (self.left, self.right):
            Q = to_numpy(detached(factor)).astype(np.float64)
            departures.append(float(np.linalg.norm(Q.T @ Q - np.eye(len(Q)))))
        one, other = departures
        return one + other + one * other

    def matvec(self, v: Array) -> Array:
        """Return Q(a ∘ Qᵀv): 4d(p + q) operations."""
        self.check_operand(v)
        xp, size, middle = namespace(v), largest_magnitude(v), self._middle
        half = xp.sqrt(size) * xp.sqrt(middle)  # two equal steps overflow nowhere on the way
        z = self._rotated_back(v / size)
        return self._rotated(z * self._as_column(self.values / middle, v)) * half * half

    def solve(self, v: Array) -> Array:
        """Return Q(Qᵀv / a): 4d(p + q) operations."""
        self.check_operand(v)
        xp, size, middle = namespace(v), largest_magnitude(v), self._middle
        half = xp.sqrt(size) / xp.sqrt(middle)
        z = self._rotated_back(v / size)
        return self._rotated(z / self._as_column(self.values / middle, v)) * half * half

    def to_dense(self) -> Array:
        """Return Q diag(a) Qᵀ, shape (d, d), as the product of Q diag(√a) and its transpose."""
        self.check_memory()
        xp = namespace(self.values)
        Q = xp.reshape(self.left[:, None, :, None] * self.right[None, :, None, :], self.shape)
        R = Q * xp.sqrt(self.values)
        return R @ R.T

    def eigenvalues(self) -> Array:
        """Return a in ascending order."""
        return namespace(self.values).sort(self.values)

    def extreme_eigenvalues(self) -> Extremes:
        """Return the least and the largest entry of a; by Ostrowski's theorem the former is off by a share δ."""
        xp, a = namespace(self.values), detached(self.values)
        smallest = float(xp.min(a))
        unit = eps(xp, a.dtype)
        return Extremes(smallest, float(xp.max(a)), (self.departure() + unit) * abs(smallest))

    def definition(self) -> Exact:
        """Return Q diag(a) Qᵀ, for Q as it is."""
        Q = np.kron(exact(self.left), exact(self.right))
        return np.asarray((Q * exact(self.values)) @ Q.T)

    def solve_bound(self) -> float:
        """Return (p√p + q√q)/2 + 1 + δ/eps: it measures δ."""
        p, q = self.left.shape[0], self.right.shape[0]
        unit = eps(namespace(self.values), self.values.dtype)
        return float((p * math.sqrt(p) + q * math.sqrt(q)) / 2 + 1 + self.departure() / unit)

    def dense_bound(self) -> float:
        """Return d/2 + 4: d products and sums, each of factors that four roundings made."""
        return self.dim / 2 + 4

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every size and condition number, a factor of one number too, and a over the whole range."""

        def case(label: str, p: int, q: int, values: Host) -> Case:
            P, R = (scales.cast(np.linalg.qr(rng.standard_normal((n, n)))[0]) for n in (p, q))
            a, Q = scales.cast(rng.permutation(values)), np.kron(P, R)
            label = f"Q {p} × {p} and {q} × {q}, {label}"
            return Case(label, cls(P, R, a), Q[:, np.argmax(a)], Q[:, np.argmin(a)])

        shapes = ((3, 2), (1, 4), (4, 1))
        for norm, condition, (p, q) in itertools.product(scales.norms[::4], scales.conditions[1:], shapes):
            a = norm * spectrum(p * q, condition) * rng.uniform(1, 2, p * q)
            yield case(f"‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}", p, q, a)
        yield case("a over the whole range", 3, 2, np.geomspace(scales.norms[0], scales.norms[-1], 6))
        yield case("d = 1", 1, 1, np.asarray([scales.norms[-1]]))

    @property
    def _middle(self) -> Array:
        """The geometric mean of a's extremes, by which a is divided so that no entry over- or underflows."""
        xp = namespace(self.values)
        return xp.sqrt(xp.min(self.values)) * xp.sqrt(xp.max(self.values))

    def _rotated(self, z: Array) -> Array:
        return on_both_sides(z, self.left.shape[0], self.left.__matmul__, self.right.__matmul__)

    def _rotated_back(self, v: Array) -> Array:
        return on_both_sides(v, self.left.shape[0], self.left.T.__matmul__, self.right.T.__matmul__)

    def _as_column(self, a: Array, v: Array) -> Array:
        return a if v.ndim == 1 else a[:, None]
