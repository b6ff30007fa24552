"""C made of blocks along the diagonal: each layer has a matrix of its own, and no layer hears of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.validation import together


@dataclass(frozen=True, eq=False)
class BlockDiagonal(Matrix):
    r"""The matrix :math:`C = \operatorname{diag}(C_1, \dots, C_L)` of matrices.

    Parameters
    ----------
    blocks : tuple of Matrix
        The matrices C₁ … C_L, of any structure.

    Raises
    ------
    TypeError, ValueError
        If there is no block, one isn't a `Matrix`, or they are of different backends, devices or dtypes.

    Notes
    -----
    Every operation is that of the blocks, one after another. Since ‖C_l‖ ≤ ‖C‖, the backward error of `solve` is at
    most the largest of theirs.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.matrices import Diagonal, RankOne
    >>> C = BlockDiagonal((Diagonal(np.asarray([2.0])), RankOne(1.0, np.asarray([0.0, 1.0]))))
    >>> C.solve(np.ones(3))
    array([0.5, 1. , 0.5])
    """

    blocks: tuple[Matrix, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))
        if not self.blocks:
            msg = "blocks must be at least one matrix, got none."
            raise ValueError(msg)
        for i, block in enumerate(self.blocks):
            if not isinstance(block, Matrix):
                msg = f"blocks[{i}] must be a Matrix, got {type(block)!r}."
                raise TypeError(msg)
        together(**{f"blocks[{i}]": block.like for i, block in enumerate(self.blocks)})

    @property
    def like(self) -> Array:
        """What the first block is like."""
        return self.blocks[0].like

    @property
    def dim(self) -> int:
        """The number d of rows of all blocks together."""
        return sum(block.dim for block in self.blocks)

    def matvec(self, v: Array) -> Array:
        """Return C v, block by block."""
        self.check_operand(v)
        return namespace(v).concat([block.matvec(part) for block, part in self._parts(v)], axis=0)

    def solve(self, v: Array) -> Array:
        """Return the x with C x = v, block by block."""
        self.check_operand(v)
        return namespace(v).concat([block.solve(part) for block, part in self._parts(v)], axis=0)

    def to_dense(self) -> Array:
        """Return C, shape (d, d)."""
        xp, at, rows = namespace(self.like), 0, []
        for block in self.blocks:
            dense, size = block.to_dense(), block.dim
            before, after = (
                xp.zeros((size, width), dtype=dense.dtype, device=device(dense)) for width in (at, self.dim - at - size)
            )
            rows.append(xp.concat([before, dense, after], axis=1))
            at += size
        return xp.concat(rows, axis=0)

    def eigenvalues(self) -> Array:
        """Return the eigenvalues of all blocks in ascending order."""
        xp = namespace(self.like)
        return xp.sort(xp.concat([block.eigenvalues() for block in self.blocks]))

    def _parts(self, v: Array) -> Iterator[tuple[Matrix, Array]]:
        at = 0
        for block in self.blocks:
            yield block, v[at : at + block.dim, ...]
            at += block.dim
