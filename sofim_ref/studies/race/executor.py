"""Who runs: processes of this machine or a Dask cluster, through joblib; what is lost with one is run again."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sofim_ref.studies.race.job import Job
from sofim_ref.studies.race.run import Result, run_job
from sofim_ref.studies.race.setting import Setting

FRUITLESS = 3
"""How often in a row all that is missing is tried without one result, before the race gives up."""


@dataclass(frozen=True)
class Lost:
    """What comes instead of a result when a worker died with a run.

    Parameters
    ----------
    reason : str
        What is known of it.
    """

    reason: str


class Executor(Protocol):
    """Those who run."""

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
        from joblib.externals.loky.process_executor import BrokenProcessPool

        try:
            yield from in_parallel(jobs, setting, self.n_workers, n_jobs=self.n_workers)
        except BrokenProcessPool as error:
            yield Lost(str(error).strip().splitlines()[0])


def in_parallel(jobs: Iterable[Job], setting: Setting, n_workers: int, **settings: Any) -> Iterator[Any]:
    """Yield what joblib makes of the jobs, as they end; with whatever backend it has been told to use."""
    from joblib import Parallel, delayed

    parallel = Parallel(return_as="generator_unordered", batch_size=1, **settings)
    with _children_deaf_to_ctrl_c():
        begun = parallel(delayed(run_job)(job, setting, n_workers) for job in jobs)
    with _interruptible(begun) as outcomes:
        for outcome in outcomes:  # noqa: UP028  # "yield from" would close joblib's generator past `_interruptible`
            yield outcome


def every_result(
    executor: Executor, jobs: Iterable[Job], setting: Setting, note: Callable[[str], Any] = lambda _: None
) -> Generator[Result]:
    """Yield the result of every job as it comes; what was lost with a worker is submitted again.

    Parameters
    ----------
    executor : Executor
    jobs : iterable of Job
    setting : Setting
    note : callable
        Called with a sentence when something was lost.

    Yields
    ------
    Result

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
            msg = (
                f"{len(missing)} runs were lost {FRUITLESS} times in a row, {next(iter(missing))} among them: {reason}"
            )
            raise RuntimeError(msg)
        note(f"{len(missing)} runs have no result yet ({reason}): submitted again.")
        for name in list(missing)[: executor.n_workers]:  # if one of the first kills its worker, others get their turn
            missing[name] = missing.pop(name)


@contextmanager
def _children_deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes that start here never hear Ctrl-C, which a terminal sends to all: this one hears it, and ends them.

    That a signal is ignored is inherited; that it is blocked would be too, but joblib unblocks it on the way. For as
    long as it takes to start them, some milliseconds, this process doesn't hear it either.
    """
    if threading.current_thread() is not threading.main_thread():  # others may not say what becomes of a signal
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
