"""C = A ⊗ G: what flows into a layer and what flows back are taken as unrelated. K-FAC's matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sofim_ref.arrays import Array, namespace
from sofim_ref.matrices.dense import Dense
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.validation import floating, together


@dataclass(frozen=True, eq=False)
class Kronecker(Matrix):
    r"""The matrix :math:`C = A \otimes G`, with entry :math:`A_{ij}\, G_{ab}` in row i·q + a and column j·q + b.

    Parameters
    ----------
    left : array, shape (p, p)
        The symmetric factor A.
    right : array, shape (q, q)
        The symmetric factor G.

    Raises
    ------
    TypeError, ValueError
        If a factor is not a square 2-D floating array, or the two are of different backends, devices or dtypes.

    Notes
    -----
    With v kept row after row as V, shape (p, q): C v = A V G and C⁻¹v = A⁻¹ V G⁻¹. Each of the two solves is
    backward stable column by column, and ‖C‖ = ‖A‖‖G‖, so the backward error of `solve` is at most the sum of theirs,
    8 (√p + √q) eps in all that `sofim-ref verify` plays. `solve` costs 2(p³ + q³)/3 + 2pq(p + q) operations, memory
    p² + q² numbers in place of (pq)².

    Source: Martens & Grosse 2015, arXiv 1503.05671, §4.2.

    Examples
    --------
    >>> import numpy as np
    >>> C = Kronecker(np.asarray([[2.0]]), np.asarray([[1.0, 0.0], [0.0, 4.0]]))
    >>> C.solve(np.asarray([2.0, 8.0])), C.eigenvalues()
    (array([1., 1.]), array([2., 8.]))
    """

    left: Array
    right: Array

    def __post_init__(self) -> None:
        for name, factor in (("left", self.left), ("right", self.right)):
            floating(name, factor, ndim=2)
            if factor.shape[0] != factor.shape[1]:
                msg = f"{name} must be square, got shape {tuple(factor.shape)}."
                raise ValueError(msg)
        together(left=self.left, right=self.right)

    @property
    def like(self) -> Array:
        """The factor A."""
        return self.left

    @property
    def dim(self) -> int:
        """The number d = p·q of rows."""
        return int(self.left.shape[0] * self.right.shape[0])

    def matvec(self, v: Array) -> Array:
        """Return A V G, flat: 2pq(p + q) operations."""
        self.check_operand(v)
        return self._across(self.right.__matmul__, self._along(self.left.__matmul__, v))

    def solve(self, v: Array) -> Array:
        """Return A⁻¹ V G⁻¹, flat.

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype.
        SingularMatrixError
            As `Dense.solve` does, if a factor is singular.
        """
        self.check_operand(v)
        return self._across(Dense(self.right).solve, self._along(Dense(self.left).solve, v))

    def to_dense(self) -> Array:
        """Return A ⊗ G, shape (d, d)."""
        blocks = self.left[:, None, :, None] * self.right[None, :, None, :]
        return namespace(self.left).reshape(blocks, self.shape)

    def eigenvalues(self) -> Array:
        """Return every product of an eigenvalue of A and one of G, in ascending order."""
        xp = namespace(self.left)
        products = xp.linalg.eigvalsh(self.left)[:, None] * xp.linalg.eigvalsh(self.right)[None, :]
        return xp.sort(xp.reshape(products, (self.dim,)))

    def _along(self, apply: Callable[[Array], Array], v: Array) -> Array:
        """Apply to the columns of V, length p, of each right-hand side."""
        xp = namespace(v)
        return xp.reshape(apply(xp.reshape(v, (self.left.shape[0], -1))), v.shape)

    def _across(self, apply: Callable[[Array], Array], v: Array) -> Array:
        """Apply to the rows of V, length q, of each right-hand side."""
        xp, (p, q) = namespace(v), (self.left.shape[0], self.right.shape[0])
        rows_first = xp.permute_dims(xp.reshape(v, (p, q, -1)), (1, 0, 2))
        done = xp.reshape(apply(xp.reshape(rows_first, (q, -1))), rows_first.shape)
        return xp.reshape(xp.permute_dims(done, (1, 0, 2)), v.shape)
