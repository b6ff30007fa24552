"""A executor on a Dask cluster: joblib's Dask backend, taught to say which runs it lost."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sofim_ref.studies.race.executor import Lost, in_parallel
from sofim_ref.studies.race.job import Job
from sofim_ref.studies.race.run import Result
from sofim_ref.studies.race.setting import Setting

PATIENCE = 4.0
"""Seconds that a scheduler has to answer, and then a worker to be there."""


@dataclass(frozen=True)
class DaskExecutor:
    """The workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected to the scheduler.
    n_workers : int
        How many threads its workers have in all.
    """

    client: Any
    n_workers: int

    def outcomes(self, jobs: Sequence[Job], setting: Setting) -> Generator[Result | Lost]:
        """Yield what comes of each job, in the order in which they end.

        Dask itself runs elsewhere what a dead worker had; after a few deaths over one run it gives that run up, and
        `Lost` comes in its place.
        """
        from joblib import parallel_config

        with parallel_config(backend=_backend(self.client)):
            yield from in_parallel(jobs, setting, self.n_workers, n_jobs=-1, pre_dispatch="all")


@contextmanager
def dask_executor(address: str) -> Iterator[DaskExecutor]:
    """Yield the executor of the cluster whose scheduler has that address.

    Parameters
    ----------
    address : str
        As Dask writes it: ``tcp://host:8786``.

    Yields
    ------
    DaskExecutor

    Raises
    ------
    ModuleNotFoundError
        If Dask isn't installed.
    ConnectionError
        If no scheduler answers, or it has no worker, `PATIENCE` seconds each.
    """
    if importlib.util.find_spec("distributed") is None:
        msg = "Dask is not installed; the extra `cluster` brings it: pip install 'sofim_ref[cluster]'."
        raise ModuleNotFoundError(msg)
    asyncio.run(_answers(address))
    client = importlib.import_module("distributed").Client(address, timeout=PATIENCE, set_as_default=False)
    with client:
        yield DaskExecutor(client, sum(client.nthreads().values()))


async def _answers(address: str) -> None:
    """Ask a scheduler who it is: a `Client` for an address where something else listens would wait for ever.

    Raises
    ------
    ConnectionError
        If it doesn't answer, isn't a scheduler, or has no worker.
    """
    rpc: Any = importlib.import_module("distributed.core").rpc
    deadline = time.monotonic() + PATIENCE
    try:
        async with rpc(address) as scheduler:
            who = await asyncio.wait_for(scheduler.identity(), PATIENCE)
            while not who["workers"] and time.monotonic() + 0.1 < deadline:
                await asyncio.sleep(0.1)
                who = await asyncio.wait_for(scheduler.identity(), PATIENCE)
    except Exception as error:  # whatever else listens there may say anything, a length of 2 EiB for example
        reason = f" within {PATIENCE:g} seconds." if isinstance(error, TimeoutError) else f": {_first_line(error)}"
        msg = f"no Dask scheduler answers at {address!r}{reason}"
        raise ConnectionError(msg) from error
    if not who["workers"]:
        msg = f"the Dask scheduler at {address!r} has had no worker for {PATIENCE:g} seconds."
        raise ConnectionError(msg)


def _backend(client: Any) -> Any:
    """Return joblib's Dask backend with two things mended, which joblib 1.6 has as follows.

    It doesn't tell `Parallel` of a task that Dask gave up, and `Parallel` then waits for ever. And where one worker is
    left, `Parallel` takes that for a wish to run in this process.
    """
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc]  # joblib brings no types
        def effective_n_jobs(self, n_jobs: int = 1) -> int:
            return max(2, int(super().effective_n_jobs(n_jobs)))

        def submit(self, func: Any, callback: Callable[[Any], Any] | None = None) -> Any:
            def tell(task: Future[Any]) -> None:
                if callback is not None and (error := task.exception()) is not None:
                    callback(Lost(_first_line(error)))

            task = super().submit(func, callback)
            task.add_done_callback(tell)
            return task

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, Lost):
                return [out]
            if isinstance(out, BaseException):  # cancelled, the scheduler having gone
                return [Lost(_first_line(out))]
            return super().retrieve_result_callback(out)

    return Backend(client=client)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
