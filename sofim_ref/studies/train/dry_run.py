"""What a run will take: measured on one block of its data."""

from __future__ import annotations

import math
import pickle
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from sofim_ref.arrays.memory import size
from sofim_ref.problems import Blocks
from sofim_ref.problems.block_task import Portion, Task
from sofim_ref.problems.engines import Engine
from sofim_ref.problems.engines.threads import Threads
from sofim_ref.studies.race.counted import counted
from sofim_ref.studies.race.runtime_estimate import spoken
from sofim_ref.studies.train.setting import TrainSetting

T = TypeVar("T")

BASE = 100_000_000
"""The bytes of Python and of the libraries in a process."""


class _Tally(Engine):
    """Asks the blocks here, and counts what would be sent."""

    def __init__(self) -> None:
        self._here = Threads(1)
        self.out: list[int] = []
        self.back: list[int] = []

    def total(self, blocks: Blocks, task: Task) -> Portion:
        found = self._here.total(blocks, task)
        self.out.append(len(pickle.dumps(task, protocol=5)))
        self.back.append(len(pickle.dumps(found, protocol=5)))
        return found


@dataclass(frozen=True)
class DryRun:
    """What a run will take.

    Parameters
    ----------
    n_workers : int
    memory : float
        The bytes of a worker at its peak, Python and its libraries included, blocks that it keeps not.
    passes : int
        How often a step asks all blocks.
    sent, returned : float
        The bytes that a step sends each worker, and that each returns.
    seconds : float
        The seconds of a step, its share of the records included.
    steps : int
    """

    n_workers: int
    memory: float
    passes: int
    sent: float
    returned: float
    seconds: float
    steps: int

    @property
    def lines(self) -> list[str]:
        """The numbers in sentences."""
        sent, returned = size(round(self.sent)), size(round(self.returned))
        workers = f"{self.n_workers} workers" if self.n_workers > 1 else "one process"
        return [
            f"memory: about {size(self.memory)} in {'each of ' if self.n_workers > 1 else ''}{workers}",
            f"a step: the blocks are asked {counted(self.passes, 'time')}; a worker gets {sent}, returns {returned}",
            f"time: about {self.seconds:.2g} s a step, {spoken(self.seconds * self.steps)} for {self.steps} steps",
        ]


def dry_run(setting: TrainSetting, n_workers: int) -> DryRun:
    """Return what a run will take: one step and one record on two blocks, scaled to all rows.

    Parameters
    ----------
    setting : TrainSetting
    n_workers : int
        How many ask the blocks at a time.
    """
    problem, batch_size, budget = setting.problem, setting.run.get("batch_size"), setting.budget
    n_blocks = len(problem.cuts)
    rows = int(problem.starts[min(2, n_blocks)])
    read_seconds, (X, y) = _timed(lambda: problem.tables[0].read(0, rows))
    tally = _Tally()
    sample = Blocks.from_rows(problem.loss, X, y, rows=math.ceil(rows / 2), engine=tally)
    w = sample.initial_point(setting.run["seed"])
    state = setting.optimizer.init(w)
    batch = None if batch_size is None else np.arange(min(batch_size, rows))

    def step() -> Any:
        return setting.optimizer.step(w, state, sample.oracle(w, batch))

    def record() -> Any:
        at = sample.oracle(w)
        return at.gradient(), at.value()

    tracemalloc.start()
    step()
    passes, sent, returned = len(tally.out), sum(tally.out), sum(tally.back)
    record()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    step_seconds, record_seconds = (min(_timed(what)[0] for _ in range(3)) for what in (step, record))
    share = problem.size / rows / n_workers
    if batch is None:  # the record's gradient is the step's
        seconds = share * (step_seconds + passes * read_seconds)
    else:
        every = budget.record_every or budget.steps_per_epoch
        seconds = step_seconds + share * (record_seconds + read_seconds) / every
    sums = max(tally.back) * math.log2(max(2, n_blocks / n_workers))
    memory = BASE + peak + (X.nbytes + y.nbytes) / 2 + sums
    return DryRun(n_workers, memory, passes, sent, returned, seconds, budget.total)


def _timed(what: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    found = what()
    return time.perf_counter() - started, found
