"""What another process has of a loss over blocks: where its blocks are, and those of them that it keeps in memory."""

from __future__ import annotations

import copy
import pickle
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sofim_ref.arrays.memory import free_memory
from sofim_ref.arrays.parcel import Parcel
from sofim_ref.problems.block_task import Portion, Task
from sofim_ref.problems.row_source import ArrayRows
from sofim_ref.problems.row_table import PairedRows, RowTable

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks
    from sofim_ref.problems.finite_sum import FiniteSum

KEPT = 0.3
"""The part of the memory that is free for a process in which it keeps blocks; the others are read in each pass."""


class Share:
    """The blocks of a loss as one process has them. It pickles as the recipe by which another process opens its own.

    Parameters
    ----------
    blocks : Blocks
    capacity : float
        How many bytes of blocks are kept in memory, as they come.
    """

    def __init__(self, blocks: Blocks, capacity: float) -> None:
        self.blocks = blocks
        self.capacity = self._left = capacity
        self._kept: dict[int, FiniteSum] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the recipe: whatever way an array takes, it must lie in memory as pickle lays it."""
        return Share.opened, (recipe(self.blocks), self.capacity)

    @classmethod
    def opened(cls, content: bytes, capacity: float | None = None) -> Share:
        """Return what `recipe` put into bytes; without `capacity`, with `KEPT` of the memory that is free."""
        blocks: Blocks = pickle.loads(content)  # noqa: S301  # made by `recipe` in the process that asks
        return cls(blocks, KEPT * (free_memory(blocks.like) or 0) if capacity is None else capacity)

    def block(self, k: int) -> FiniteSum:
        """Return the loss on block k, from memory or from where it lies."""
        found = self._kept.get(k)
        if found is None:
            found = self.blocks.block(k)
            n_bytes = sum(getattr(x, "nbytes", 0) for x in (found.features, found.targets))
            if n_bytes <= self._left:
                self._left -= n_bytes
                self._kept[k] = found
        return found

    def answers(self, message: bytes, start: int, stop: int, where: str = "") -> bytes:
        """Return what the blocks from start to stop answer to a task, as bytes; the task comes as bytes too.

        Raises
        ------
        OSError
            If a file can't be read, or has become shorter.
        """
        _one_thread()
        task: Task = pickle.loads(message)  # noqa: S301  # made in the process that asks
        return pickle.dumps(task.answers(self.block, start, stop, where), protocol=5)


def recipe(blocks: Blocks, start: int = 0, stop: int | None = None) -> bytes:
    """Return what another process needs to open the blocks from start to stop.

    Files are named; arrays go along, those of these blocks only.
    """
    sent = copy.copy(blocks)
    sent.tables, sent.cuts = list(blocks.tables), list(blocks.cuts)
    for k, (number, low, high) in enumerate(blocks.cuts):
        table = blocks.tables[number]
        if in_memory(table):
            sent.tables[number] = None  # type: ignore[call-overload]  # nobody asks for it
            if start <= k < (len(blocks.cuts) if stop is None else stop):
                sent.cuts[k] = len(sent.tables), 0, high - low
                sent.tables.append(PairedRows(*map(ArrayRows, table.read(low, high))))
    return Parcel.of(sent).content


def portion(content: bytes) -> Portion:
    """Return what `Share.answers` returned as bytes."""
    found: Portion = pickle.loads(content)  # noqa: S301  # as `Share.opened`
    return found


@lru_cache(maxsize=2)
def opened_once(content: bytes, capacity: float) -> Share:
    """Return the same share each time in one process."""
    return Share.opened(content, capacity)


def in_memory(table: RowTable) -> bool:
    """Return whether features or targets are arrays."""
    return isinstance(table, PairedRows) and any(isinstance(x, ArrayRows) for x in (table.features, table.targets))


@cache
def _one_thread() -> None:
    """Leave the linear algebra of this process one thread from now on: a worker has a core."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
