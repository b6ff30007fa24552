"""Where runs are executed: processes of this machine or a Dask cluster; what is lost with a process is run again."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sofim_ref.arrays.parcel import Parcel
from sofim_ref.problems.engines.processes import end_with
from sofim_ref.studies.race.job import Job
from sofim_ref.studies.race.run import Result, run_job
from sofim_ref.studies.race.setting import Setting

FRUITLESS = 3
"""How often in a row all missing runs are tried without one result before the race gives up."""


@dataclass(frozen=True)
class Lost:
    """What comes instead of a result when a worker died with a run, or could not begin it.

    Parameters
    ----------
    reason : str
        What is known of it.
    """

    reason: str


class Executor(Protocol):
    """Whoever executes runs."""

    @property
    def n_workers(self) -> int:
        """How many runs are under way at a time."""

    def outcomes(self, jobs: Sequence[Job], setting: Setting) -> Generator[Result | Lost]:
        """Yield what comes of each job, in the order in which they end."""


@dataclass(frozen=True)
class LocalExecutor:
    """Processes of this machine; one alone is this very process.

    Parameters
    ----------
    n_workers : int
        How many.
    """

    n_workers: int

    def outcomes(self, jobs: Sequence[Job], setting: Setting) -> Generator[Result | Lost]:
        """Yield what comes of each job, in the order in which they end; stop early when a process dies."""
        if self.n_workers == 1:
            for job in jobs:
                yield run_job(job, setting, 1)
            return
        from joblib import Parallel, delayed

        parcel, as_they_end = Parcel.of(setting), {"return_as": "generator_unordered", "batch_size": 1}
        parallel = Parallel(self.n_workers, **as_they_end, initializer=end_with, initargs=(os.getpid(),))
        try:
            with children_ignore_ctrl_c():
                begun = parallel(delayed(run_parcel)(job, parcel, self.n_workers) for job in jobs)
            with _interruptible(begun) as outcomes:
                for outcome in outcomes:  # noqa: UP028  # "yield from" would close the generator past `_interruptible`
                    yield outcome
        except BrokenProcessPool as error:
            yield Lost(first_line(error))


def run_parcel(job: Job, parcel: Parcel, n_workers: int) -> Result | Lost:
    """Run a job in another process, where the setting arrives as a `Parcel`; lost if a library is missing there."""
    try:
        setting = parcel.open()
    except Exception as error:  # noqa: BLE001  # whatever the imports of a user's module raise
        return Lost(f"a worker can't load the methods or the workload, {type(error).__name__}: {first_line(error)}")
    return run_job(job, setting, n_workers)


def every_result(
    executor: Executor, jobs: Iterable[Job], setting: Setting, note: Callable[[str], Any] = lambda _: None
) -> Generator[Result]:
    """Yield the result of every job as it comes; what was lost with a worker is submitted again, and noted.

    Raises
    ------
    RuntimeError
        If all that is missing was tried `FRUITLESS` times in a row without one result.
    """
    missing = {job.name: job for job in jobs}
    fruitless = 0
    while missing:
        before, reason = len(missing), "no result came back"
        with closing(executor.outcomes(list(missing.values()), setting)) as outcomes:
            for outcome in outcomes:
                if isinstance(outcome, Result):
                    del missing[outcome.job.name]
                    yield outcome
                else:
                    reason = outcome.reason
        if not missing:
            return
        fruitless = fruitless + 1 if len(missing) == before else 0
        if fruitless == FRUITLESS:
            one = next(iter(missing))
            msg = f"{len(missing)} runs were lost {FRUITLESS} times in a row, {one} among them: {reason}"
            raise RuntimeError(msg)
        note(f"{len(missing)} runs have no result yet ({reason}): submitted again.")
        for name in list(missing)[: executor.n_workers]:  # if one of the first kills its worker, others get their turn
            missing[name] = missing.pop(name)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, its type's name if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def children_ignore_ctrl_c() -> Iterator[None]:
    """Let processes that start here ignore Ctrl-C, which a terminal sends to all: this one handles it, and ends them.

    That a signal is ignored is inherited; that it is blocked would be too, but joblib unblocks it on the way. While
    they are started, for some milliseconds, this process ignores it as well.
    """
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set a signal's handler
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _interruptible(outcomes: Any) -> Iterator[Any]:
    """Yield a generator of joblib's, and close it without the advice that joblib gives to those who stop early."""
    try:
        yield outcomes
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            outcomes.close()
