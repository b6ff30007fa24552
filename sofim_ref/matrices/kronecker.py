"""C = A ⊗ G: a layer's curvature is that of its inputs times that of its outputs. It is K-FAC's matrix."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.factorizations import cholesky_factor, cholesky_solve, solve
from sofim_ref.arrays.sums import largest_magnitude
from sofim_ref.arrays.validation import floating, same_backend
from sofim_ref.matrices.cases import Case, Scales, positive_definite
from sofim_ref.matrices.dense import Dense
from sofim_ref.matrices.exact import Exact, exact
from sofim_ref.matrices.extremes import Extremes
from sofim_ref.matrices.matrix import Matrix, host_copy


@dataclass(frozen=True, eq=False)
class Kronecker(Matrix):
    r"""The matrix :math:`C = A \otimes G` of all products of an entry of A with an entry of G, d = pq.

    Entry i·q + c of a vector belongs to row i of A and row c of G: it is the (p, q) matrix V, row after row, and

    .. math:: C v = A V G, \qquad C^{-1} v = A^{-1} V G^{-1} .

    Parameters
    ----------
    left : array, shape (p, p)
        The factor A.
    right : array, shape (q, q)
        The factor G. Both are taken as symmetric and positive definite, not checked, as in `Dense`.
    cholesky : pair of arrays, optional
        The lower-triangular Cholesky factors of A and of G, each divided by its largest entry; `factorized` fills them
        in.

    Raises
    ------
    TypeError, ValueError
        If a factor is not a square 2-D floating array, or they differ in backend, device or dtype.

    Notes
    -----
    Eigenvalues: every product of one of A's and one of G's. Condition number κ(A) κ(G). Determinant
    (det A)^q (det G)^p. `matvec` costs 2d(p + q) operations, `solve` 2(p³ + q³)/3 more; memory p² + q² for C, where
    dense inversion takes 2d³/3 and d². `factorized` costs (p³ + q³)/3, and `solve` then what `matvec` does.

    `solve` is two dense solves, for W = A⁻¹V and X = W G⁻¹. The first leaves A W − V, at most c_p eps (‖A‖‖W‖ + ‖V‖),
    the second X G − W, at most c_q eps (‖G‖‖X‖ + ‖W‖) and multiplied by ‖A‖, and ‖W‖ is at most ‖G‖‖X‖ up to rounding:
    together c_p + 2 c_q. With `Dense`'s c_n = 8 √n the backward error is at most 8 (√p + 2 √q) eps at any scale, for
    ‖C‖ = ‖A‖‖G‖: both factors and v are brought to entries in [-1, 1] first.

    Source: Van Loan 2000, doi:10.1016/S0377-0427(00)00393-9, for the product; Martens & Grosse 2015, arXiv 1503.05671,
    for its use.

    Examples
    --------
    >>> import numpy as np
    >>> C = Kronecker(np.diag([1.0, 2.0]), np.asarray([[2.0, 1.0], [1.0, 2.0]]))
    >>> C.to_dense()
    array([[2., 1., 0., 0.],
           [1., 2., 0., 0.],
           [0., 0., 4., 2.],
           [0., 0., 2., 4.]])
    >>> C.solve(np.asarray([3.0, 3.0, 6.0, 6.0])).round(12)
    array([1., 1., 1., 1.])
    """

    left: Array
    right: Array
    cholesky: tuple[Array, Array] | None = field(default=None, repr=False, kw_only=True)

    knows_extremes = True

    def __post_init__(self) -> None:
        for name, factor in (("left", self.left), ("right", self.right)):
            floating(name, factor, ndim=2)
            if factor.shape[0] != factor.shape[1]:
                msg = f"{name} must be square, got shape {tuple(factor.shape)}."
                raise ValueError(msg)
        same_backend(left=self.left, right=self.right)

    @property
    def like(self) -> Array:
        """The factor A."""
        return self.left

    @property
    def dim(self) -> int:
        """The number d = pq of rows, and of columns."""
        return int(self.left.shape[0] * self.right.shape[0])

    def matvec(self, v: Array) -> Array:
        """Return A V G: 2d(p + q) operations."""
        self.check_operand(v)
        A, G, c = self._scaled
        size = largest_magnitude(v)
        half = namespace(v).sqrt(size) * c  # two equal steps overflow nowhere on the way
        return on_both_sides(v / size, A.shape[0], A.__matmul__, G.__matmul__) * half * half

    def solve(self, v: Array) -> Array:
        """Return A⁻¹ V G⁻¹: 2(p³ + q³)/3 + 2d(p + q) operations, the latter alone with the factors."""
        self.check_operand(v)
        A, G, c = self._scaled
        if self.cholesky is None:
            left, right = partial(solve, A), partial(solve, G)
        else:
            left, right = (partial(cholesky_solve, L) for L in self.cholesky)
        size = largest_magnitude(v)
        half = namespace(v).sqrt(size) / c
        return on_both_sides(v / size, A.shape[0], left, right) * half * half

    def factorized(self) -> Kronecker:
        """Return C with the Cholesky factors of A and G, which must be positive definite in their arithmetic."""
        if self.cholesky is not None:
            return self
        A, G, _ = self._scaled
        return replace(self, cholesky=(cholesky_factor(A), cholesky_factor(G)))

    def to_dense(self) -> Array:
        """Return A ⊗ G, shape (d, d)."""
        self.check_memory()
        xp = namespace(self.left)
        products = self.left[:, None, :, None] * self.right[None, :, None, :]
        return xp.reshape(products, self.shape)

    def eigenvalues(self) -> Array:
        """Return the products of A's eigenvalues and G's in ascending order: O(p³ + q³)."""
        xp = namespace(self.left)
        a, g = xp.linalg.eigvalsh(self.left), xp.linalg.eigvalsh(self.right)
        return xp.sort(xp.reshape(a[:, None] * g[None, :], (self.dim,)))

    def extreme_eigenvalues(self) -> Extremes:
        """Return the extreme products of A's and G's eigenvalues, the latter off by what `Dense` says."""
        a, g = (Dense(factor).extreme_eigenvalues() for factor in (self.left, self.right))
        products = [x * y for x in a[:2] for y in g[:2]]
        error = abs(a.smallest) * g.error + abs(g.smallest) * a.error + a.error * g.error
        return Extremes(min(products), max(products), error)

    def in_float64(self) -> Kronecker:
        """Return A ⊗ G on the host in float64, its Cholesky factors left behind."""
        return Kronecker(host_copy(self.left), host_copy(self.right))

    def logdet(self) -> Array:
        """Return q log det A + p log det G, shape ()."""
        p, q = self.left.shape[0], self.right.shape[0]
        return q * Dense(self.left).logdet() + p * Dense(self.right).logdet()

    def definition(self) -> Exact:
        """Return A ⊗ G."""
        return np.kron(exact(self.left), exact(self.right))

    def solve_bound(self) -> float:
        """Return 8 (√p + 2 √q)."""
        return 8 * (math.sqrt(self.left.shape[0]) + 2 * math.sqrt(self.right.shape[0]))

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every size and condition number, with a factor of one number too."""
        shapes = ((3, 2), (1, 4), (4, 1))
        for norm, condition, (p, q) in itertools.product(scales.norms[::4], scales.conditions[:3], shapes):
            A, G = (scales.cast(norm**0.5 * positive_definite(rng, size, condition**0.5)) for size in (p, q))
            yield Case.of(f"A {p} × {p}, G {q} × {q}, ‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}", cls(A, G))

    @property
    def _scaled(self) -> tuple[Array, Array, Array]:
        """A and G with entries in [-1, 1], and the c with c² what that took from C; c² itself may overflow."""
        xp = namespace(self.left)
        a, g = xp.max(largest_magnitude(self.left)), xp.max(largest_magnitude(self.right))
        return self.left / a, self.right / g, xp.sqrt(a) * xp.sqrt(g)


def on_both_sides(v: Array, p: int, left: Callable[[Array], Array], right: Callable[[Array], Array]) -> Array:
    """Return v with `left` applied to the first axis of V, shape (p, q), and `right` to the second.

    Each takes a 2-D array, and `v` may have k columns: (A ⊗ G) v is AVG for A·V and G·V.
    """
    xp, q = namespace(v), v.shape[0] // p
    V = left(xp.reshape(v, (p, -1)))
    V = xp.permute_dims(xp.reshape(V, (p, q, -1)), (1, 0, 2))
    V = right(xp.reshape(V, (q, -1)))
    return xp.reshape(xp.permute_dims(xp.reshape(V, (q, p, -1)), (1, 0, 2)), v.shape)
