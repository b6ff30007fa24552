"""Threads of this process, each of which asks a run of blocks."""

from __future__ import annotations

import os
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING

from sofim_ref.arrays.validation import count
from sofim_ref.problems.block_task import Portion, Task
from sofim_ref.problems.engines.engine import Engine, runs, together

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks
    from sofim_ref.problems.finite_sum import FiniteSum


class Threads(Engine):
    """Threads of this process; the linear algebra beneath them has one thread each meanwhile.

    Parameters
    ----------
    n_workers : int, optional
        How many; one for each core that the process may use, if not given.

    Raises
    ------
    TypeError, ValueError
        If `n_workers` is no integer above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Blocks, LogisticRegression
    >>> X, y = np.asarray([[-1.0], [1.0], [2.0]]), np.asarray([0, 1, 1])
    >>> Blocks.from_rows(LogisticRegression, X, y, rows=2, engine=Threads(2)).gradient(np.zeros(2))
    array([-0.66666667, -0.16666667])
    """

    def __init__(self, n_workers: int | None = None) -> None:
        from threadpoolctl import ThreadpoolController

        if n_workers is not None:
            count("n_workers", n_workers)
        self.n_workers = n_workers or usable_cores()
        self._linear_algebra = ThreadpoolController()  # looking for its libraries takes a millisecond

    def __repr__(self) -> str:
        """Return how many threads there are."""
        return f"Threads({self.n_workers})"

    def total(self, blocks: Blocks, task: Task) -> Portion:
        """Return what all blocks answer, in one piece."""
        shares, is_over = runs(task.starts, self.n_workers), threading.Event()

        def block(k: int) -> FiniteSum:
            if is_over.is_set():
                raise CancelledError
            return blocks.block(k)

        with self._linear_algebra.limit(limits=1), ThreadPoolExecutor(len(shares)) as pool:
            try:
                return together(pool.map(lambda share: task.answers(block, *share), shares), task)
            except BaseException:
                is_over.set()  # after Ctrl-C or an error nobody waits for the blocks that are left
                raise


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
