"""Processes of this machine, by joblib, each of which asks a run of blocks."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
import weakref
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.memory import free_memory
from sofim_ref.arrays.validation import count
from sofim_ref.problems.block_task import Portion, Task
from sofim_ref.problems.engines.engine import Engine, runs, together
from sofim_ref.problems.engines.share import KEPT, in_memory, opened_once, portion, recipe
from sofim_ref.problems.engines.threads import Threads, usable_cores
from sofim_ref.problems.row_source import ArrayRows, RowSource, row_source
from sofim_ref.problems.row_table import PairedRows

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks

ATTEMPTS = 3
"""How often a pass is begun in which processes die, before the run ends."""


class Processes(Engine):
    """Processes of this machine, where what a block asks in Python itself keeps no other waiting.

    Parameters
    ----------
    n_workers : int, optional
        How many; one for each core that this process may use, if not given.

    Raises
    ------
    TypeError, ValueError
        If `n_workers` is no integer above 0.

    Notes
    -----
    They are joblib's, and stay for the passes to come. Each process opens the files for itself; what lies in arrays of
    NumPy is written to temporary files first. When a process dies, for lack of memory say, the pass is begun again with
    new ones. They end with the process that asks, even if it is killed.

    Examples
    --------
    >>> Processes(2)
    Processes(2)
    """

    def __init__(self, n_workers: int | None = None) -> None:
        if n_workers is not None:
            count("n_workers", n_workers)
        self.n_workers = n_workers or usable_cores()
        self._alone = Threads(1)
        self._recipes: WeakKeyDictionary[Blocks, tuple[bytes, float]] = WeakKeyDictionary()

    def __repr__(self) -> str:
        """Return how many processes there are."""
        return f"Processes({self.n_workers})"

    def total(self, blocks: Blocks, task: Task) -> Portion:
        """Return what all blocks answer, in one piece.

        Raises
        ------
        RuntimeError
            If processes died in each of `ATTEMPTS` attempts.
        """
        from joblib import Parallel, delayed

        shares = runs(task.starts, self.n_workers)
        if len(shares) == 1:
            return self._alone.total(blocks, task)
        content, capacity = self._recipe(blocks)
        message = pickle.dumps(task, protocol=5)
        for _ in range(ATTEMPTS):
            try:
                parallel = Parallel(len(shares), batch_size=1, initializer=_begun, initargs=(os.getpid(),))
                found = parallel(delayed(_answers)(content, capacity, message, *share) for share in shares)
            except BrokenProcessPool as error:
                reason = str(error).partition("\n")[0]
            else:
                return together(map(portion, found), task)
        msg = f"a process died in each of {ATTEMPTS} attempts at one pass over the blocks: {reason}"
        raise RuntimeError(msg)

    def _recipe(self, blocks: Blocks) -> tuple[bytes, float]:
        """Return what a process needs to open the blocks, and how many bytes of them each may keep."""
        if blocks not in self._recipes:
            folder = Path(tempfile.mkdtemp(prefix="sofim_ref-"))
            weakref.finalize(blocks, shutil.rmtree, folder, ignore_errors=True)
            sent = copy.copy(blocks)
            sent.tables = list(blocks.tables)
            for k, table in enumerate(blocks.tables):
                if in_memory(table):
                    parts = zip(("features", "targets"), table.read(0, table.size), strict=True)
                    sent.tables[k] = PairedRows(*(_in_file(folder / f"{name}-{k}.npy", x) for name, x in parts))
            capacity = KEPT * (free_memory(blocks.like) or 0) / self.n_workers
            self._recipes[blocks] = recipe(sent), capacity
        return self._recipes[blocks]


def _in_file(path: Path, rows: Array) -> RowSource:
    """Return the rows of a NumPy array from a file that they are written to; those of other arrays as they are."""
    if type(rows) is not np.ndarray:
        return ArrayRows(rows)
    np.save(path, rows)
    return row_source(path.stem, path)


def _answers(content: bytes, capacity: float, message: bytes, start: int, stop: int) -> bytes:
    return opened_once(content, capacity).answers(message, start, stop)


def _begun(parent: int) -> None:
    """Leave Ctrl-C to the process that asks, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)


def end_with(parent: int) -> None:
    """End this process within a second of its parent's end, even of one that is killed: nobody would take its answers.

    A process calls it as it begins. One that began to watch with its first task would outlive a parent killed earlier.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
