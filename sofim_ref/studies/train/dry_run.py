"""What a run will take: measured on one block of its data."""

from __future__ import annotations

import math
import pickle
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import TypeVar

import numpy as np

from sofim_ref.arrays.memory import size
from sofim_ref.problems import Blocks, Calls
from sofim_ref.problems.block_task import Portion, Task
from sofim_ref.problems.engines import Engine
from sofim_ref.problems.engines.threads import Threads
from sofim_ref.studies.race.counted import counted
from sofim_ref.studies.race.runtime_estimate import spoken
from sofim_ref.studies.train.setting import TrainSetting

T = TypeVar("T")

BASE = 100_000_000
"""The bytes of Python and of the libraries in a process."""


@dataclass(frozen=True)
class _Cost:
    """What one step takes: passes over the blocks, bytes out and back, seconds in the passes and besides."""

    passes: float
    sent: float
    returned: float
    seconds: float
    besides: float

    def mixed(self, other: _Cost, share: float) -> _Cost:
        """Return the mean of both, of which the other is so large a share."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return _Cost(*((1 - share) * mine + share * its for mine, its in pairs))


class _Tally(Engine):
    """Asks the blocks here, and notes the bytes that would be sent and the seconds."""

    def __init__(self) -> None:
        self._here = Threads(1)
        self.sent: list[int] = []
        self.returned: list[int] = []
        self.seconds = 0.0

    def total(self, blocks: Blocks, task: Task) -> Portion:
        started = time.perf_counter()
        found = self._here.total(blocks, task)
        self.seconds += time.perf_counter() - started
        self.sent.append(len(pickle.dumps(task, protocol=5)))
        self.returned.append(len(pickle.dumps(found, protocol=5)))
        return found

    def cost(self, what: Callable[[], object]) -> _Cost:
        """Return what a call takes, the quickest of three."""
        costs = []
        for _ in range(3):
            self.sent, self.returned, self.seconds = [], [], 0.0
            started = time.perf_counter()
            what()
            besides = time.perf_counter() - started - self.seconds
            costs.append(_Cost(len(self.sent), sum(self.sent), sum(self.returned), self.seconds, besides))
        return min(costs, key=lambda cost: cost.seconds + cost.besides)


@dataclass(frozen=True)
class DryRun:
    """What a run will take.

    Parameters
    ----------
    n_workers : int
    memory : float
        The bytes of a worker at its peak, Python and its libraries included, blocks that it keeps not.
    passes : float
        How often a step asks all blocks, its share of the records included.
    sent, returned : float
        The bytes that a step sends each worker, and that each returns.
    seconds : float
        The seconds of a step, likewise.
    steps : int
    keeps : bool
        Whether a worker keeps blocks in memory: what fits into `share.KEPT` of it.
    """

    n_workers: int
    memory: float
    passes: float
    sent: float
    returned: float
    seconds: float
    steps: int
    keeps: bool

    @property
    def lines(self) -> list[str]:
        """The numbers in sentences."""
        sent, returned = size(round(self.sent)), size(round(self.returned))
        times = counted(f"{self.passes:.3g}", "time")
        kept = ", besides the blocks that it keeps" if self.keeps else ""
        workers = f"{self.n_workers} workers" if self.n_workers > 1 else "one process"
        return [
            f"memory: about {size(self.memory)} in {'each of ' if self.n_workers > 1 else ''}{workers}{kept}",
            f"a step: the blocks are asked {times}; a worker gets {sent}, returns {returned}",
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

    def step() -> object:
        return setting.optimizer.step(w, state, sample.oracle(w, batch))

    def step_with_record() -> object:
        seen = sample.oracle(w)
        seen.gradient()
        seen.value()
        return setting.optimizer.step(w, state, seen.lent(Calls()) if batch is None else sample.oracle(w, batch))

    tracemalloc.start()
    tally.cost(step_with_record)
    peak, sums = tracemalloc.get_traced_memory()[1], max(tally.returned, default=0)
    tracemalloc.stop()
    every = budget.record_every or budget.steps_per_epoch
    cost = tally.cost(step).mixed(tally.cost(step_with_record), 1 / every)
    seconds = cost.besides + problem.size / rows / n_workers * (cost.seconds + cost.passes * read_seconds)
    memory = BASE + peak + (X.nbytes + y.nbytes) / 2 + sums * math.log2(max(2, n_blocks / n_workers))
    keeps = setting.engine.kind in ("processes", "dask")
    return DryRun(n_workers, memory, cost.passes, cost.sent, cost.returned, seconds, budget.total, keeps)


def _timed(what: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    found = what()
    return time.perf_counter() - started, found
