"""C of blocks on the diagonal: no curvature between groups of parameters, layers say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import same_backend
from sofim_ref.matrices.cases import Case, Scales, positive_definite, spectrum, unit_vector
from sofim_ref.matrices.dense import Dense
from sofim_ref.matrices.diagonal import Diagonal
from sofim_ref.matrices.exact import Exact, exact
from sofim_ref.matrices.extremes import Extremes
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.matrices.rank_one import RankOne


@dataclass(frozen=True, eq=False)
class BlockDiagonal(Matrix):
    r"""The matrix :math:`C = \operatorname{diag}(C_1, \dots, C_b)`, zero outside its blocks.

    Parameters
    ----------
    blocks : tuple of Matrix
        The blocks C₁ … C_b, each of any class and size dᵢ; d = d₁ + … + d_b.

    Raises
    ------
    TypeError, ValueError
        If `blocks` is empty, holds what is no Matrix, or matrices of different backends, devices or dtypes.

    Notes
    -----
    `solve` and `matvec` cost what the blocks' own do, on slices of v. The condition number is the largest eigenvalue
    of all blocks over the smallest of all, and may be far above each block's own.

    The backward error of `solve` is at most that of its worst block, c eps: the residual's square is the sum of the
    blocks', each at most (c eps (‖Cᵢ‖‖xᵢ‖ + ‖vᵢ‖))², with ‖Cᵢ‖ ≤ ‖C‖; and the root of Σ (‖C‖‖xᵢ‖ + ‖vᵢ‖)² is at most
    ‖C‖‖x‖ + ‖v‖, by the triangle inequality.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.matrices import Diagonal, RankOne
    >>> C = BlockDiagonal((Diagonal(np.asarray([2.0])), RankOne(1.0, np.asarray([0.0, 3.0]))))
    >>> C.solve(np.ones(3))
    array([0.5, 1. , 0.1])
    """

    blocks: tuple[Matrix, ...]

    def __post_init__(self) -> None:
        blocks = tuple(self.blocks) if isinstance(self.blocks, Iterable) else (self.blocks,)
        for i, block in enumerate(blocks):
            if not isinstance(block, Matrix):
                msg = f"blocks must be a tuple of matrices, got {type(block)!r} as number {i}."
                raise TypeError(msg)
        if not blocks:
            msg = "blocks must be a tuple of at least one matrix, got none."
            raise ValueError(msg)
        same_backend(**{f"blocks[{i}]": block.like for i, block in enumerate(blocks)})
        object.__setattr__(self, "blocks", blocks)

    @property
    def like(self) -> Array:
        """The first block's."""
        return self.blocks[0].like

    @property
    def dim(self) -> int:
        """The number d = d₁ + … + d_b of rows, and of columns."""
        return sum(block.dim for block in self.blocks)

    def matvec(self, v: Array) -> Array:
        """Return the Cᵢ vᵢ one below the other."""
        self.check_operand(v)
        return self._by_block(v, lambda block, part: block.matvec(part))

    def solve(self, v: Array) -> Array:
        """Return the Cᵢ⁻¹ vᵢ one below the other."""
        self.check_operand(v)
        return self._by_block(v, lambda block, part: block.solve(part))

    def factorized(self) -> BlockDiagonal:
        """Return C of the factorized blocks."""
        return BlockDiagonal(tuple(block.factorized() for block in self.blocks))

    def to_dense(self) -> Array:
        """Return the blocks along the diagonal, zeros elsewhere, shape (d, d)."""
        self.check_memory()
        xp, rows = namespace(self.like), []
        for block, start, stop in self._places():
            before, after = (
                xp.zeros((block.dim, width), dtype=self.like.dtype, device=device(self.like))
                for width in (start, self.dim - stop)
            )
            rows.append(xp.concat([before, block.to_dense(), after], axis=1))
        return xp.concat(rows, axis=0)

    def eigenvalues(self) -> Array:
        """Return the eigenvalues of all blocks in ascending order."""
        xp = namespace(self.like)
        return xp.sort(xp.concat([block.eigenvalues() for block in self.blocks]))

    def extreme_eigenvalues(self) -> Extremes:
        """Return the extremes of all blocks' own."""
        found = [block.extreme_eigenvalues() for block in self.blocks]
        low, high = (min(one.smallest + sign * one.error for one in found) for sign in (-1, 1))
        return Extremes((low + high) / 2, max(one.largest for one in found), (high - low) / 2)

    def logdet(self) -> Array:
        """Return the sum of the blocks' log det, shape ()."""
        xp = namespace(self.like)
        return xp.sum(xp.stack([block.logdet() for block in self.blocks]))

    def definition(self) -> Exact:
        """Return the blocks' definitions along the diagonal."""
        C = exact(np.zeros(self.shape))
        for block, start, stop in self._places():
            C[start:stop, start:stop] = block.definition()
        return np.asarray(C)

    @property
    def tolerance(self) -> float | None:  # type: ignore[override]  # read-only here, since it depends on the blocks
        """The largest of the blocks' tolerances; None if all are solved directly."""
        return max((block.tolerance for block in self.blocks if block.tolerance is not None), default=None)

    @property
    def knows_extremes(self) -> bool:  # type: ignore[override]  # likewise
        """Whether all blocks do."""
        return all(block.knows_extremes for block in self.blocks)

    def solve_bound(self) -> float:
        """Return the largest of the blocks' bounds."""
        return max(block.solve_bound() for block in self.blocks)

    def dense_bound(self) -> float:
        """Return the largest of the blocks' bounds."""
        return max(block.dense_bound() for block in self.blocks)

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield one block of rank one, a dense and a diagonal one, in every size and condition number."""
        for norm, condition in itertools.product(scales.norms[::4], scales.conditions[:3]):
            m = scales.cast(norm**0.5 * unit_vector(rng, 3))
            dense = scales.cast(norm * positive_definite(rng, 2, condition))
            c = scales.cast(norm * spectrum(2, condition))
            blocks = (RankOne(scales.clipped(norm / condition), m), Dense(dense), Diagonal(c))
            yield Case.of(f"rank one, dense, diagonal, ‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}", cls(blocks))

    def _places(self) -> list[tuple[Matrix, int, int]]:
        """Each block with its first row and the one after its last."""
        places, start = [], 0
        for block in self.blocks:
            places.append((block, start, start + block.dim))
            start += block.dim
        return places

    def _by_block(self, v: Array, f: Callable[[Matrix, Array], Array]) -> Array:
        parts = [f(block, v[start:stop, ...]) for block, start, stop in self._places()]
        return namespace(v).concat(parts, axis=0)
