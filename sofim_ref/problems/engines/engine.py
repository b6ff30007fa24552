"""The contract of an engine: a task in, the sum over all blocks out."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import shown
from sofim_ref.problems.block_task import Portion, Question, Task

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks


class Engine(ABC):
    """Who asks the blocks of a loss, so that several are asked at a time.

    Every engine cuts the blocks into runs of neighbours, one for each that works at a time; each adds what its blocks
    answer along the binary tree that their number fixes, and the sums are added along the same tree. The result has the
    same bits for every engine, however many work. Each works on one thread of the linear algebra: the bits are also
    those of a loss without an engine on one thread, unless an answer has more than 10⁶ numbers, which a loss without
    an engine adds one after another.
    """

    def answer(self, blocks: Blocks, f: Question, w: Array, *, with_loss: bool) -> Portion | None:
        """Return what all blocks answer at w, in one piece; None if they must be asked one after another.

        They must where `f` draws random numbers and examples don't take equally many, as those of a normal or a Poisson
        distribution: nobody knows then with which number a block begins.

        Raises
        ------
        TypeError
            If `f` holds what can't be sent to another process, an open file say.
        """
        task = Task.of(f, w, blocks, with_loss=with_loss)
        found = None if task is None else self.total(blocks, task)
        if task is None or found is None or not found.regular:
            return None
        task.advance()
        return found

    @abstractmethod
    def total(self, blocks: Blocks, task: Task) -> Portion:
        """Return what all blocks answer, in one piece."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the engine behind where a loss is sent to another process: there it asks its own blocks only."""
        return type(None), ()


def an_engine(engine: Any) -> Engine | None:
    """Return an engine, or None; refuse what is neither."""
    if engine is not None and not isinstance(engine, Engine):
        msg = f"engine must be an Engine, got {shown(engine)}: problems.engines.Threads() is one."
        raise TypeError(msg)
    return engine


def runs(starts: Iterable[int], n: int) -> list[tuple[int, int]]:
    """Return the blocks cut into at most n runs of about equally many rows, each with a block at least.

    Parameters
    ----------
    starts : iterable of int
        The number of rows before each block, and of all.
    n : int

    Examples
    --------
    >>> runs([0, 10, 20, 30, 40, 42], 2)
    [(0, 2), (2, 5)]
    """
    known = np.asarray(starts)
    between = (known[1:] + known[:-1]) / 2
    cuts = np.searchsorted(between, known[-1] * np.arange(n + 1) / n).tolist()
    return [(low, high) for low, high in itertools.pairwise(cuts) if low < high]


def together(portions: Iterable[Portion], task: Task) -> Portion:
    """Return the portions of neighbouring runs as one."""
    return reduce(lambda a, b: a.joined(b, task.n_blocks), portions)
