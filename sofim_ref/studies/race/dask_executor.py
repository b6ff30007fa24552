"""Runs on a Dask cluster, through the public client of `distributed`."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sofim_ref.arrays.parcel import Parcel
from sofim_ref.studies.race.executor import Lost, first_line, run_parcel
from sofim_ref.studies.race.job import Job
from sofim_ref.studies.race.run import Result
from sofim_ref.studies.race.setting import Setting

PATIENCE = 4.0
"""Seconds that a scheduler has to answer, and then a worker to be there."""

ABSENCE = 60.0
"""Seconds without any worker after which a race that is under way ends."""

POLL = 0.1
"""Seconds between two looks at what has ended."""


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

        Raises
        ------
        ConnectionError
            If the scheduler is gone, or all workers for `ABSENCE` seconds.
        """
        futures = self.client.map(  # what is large and shared, as the parcel may be, is sent once
            run_parcel, jobs, parcel=Parcel.of(setting), n_workers=self.n_workers, pure=False
        )
        with self.client.as_current():
            completed = importlib.import_module("distributed").as_completed(futures)
        try:
            for future in self._ended(completed):
                if future.cancelled():  # the scheduler has gone
                    break
                try:
                    outcome = future.result(timeout=PATIENCE)
                except Exception as error:  # given up by Dask, or lost with its worker after the run
                    outcome = Lost(first_line(error))
                yield outcome
            if self.client.status != "running":
                msg = "the Dask scheduler has gone."
                raise ConnectionError(msg)
        finally:
            if self.client.status == "running":
                with suppress(OSError, RuntimeError):  # the scheduler may go at this very moment
                    self.client.cancel(futures)

    def _ended(self, completed: Any) -> Iterator[Any]:
        """Yield futures as they end; Dask alone would wait for ever for a worker to come back."""
        seen = time.monotonic()
        while not completed.is_empty() and self.client.status == "running":
            ended = completed.next_batch(block=False)
            yield from ended
            if ended or self.client.nthreads():
                seen = time.monotonic()
            elif time.monotonic() - seen > ABSENCE:
                msg = f"the Dask cluster has had no worker for {ABSENCE:g} seconds."
                raise ConnectionError(msg)
            if not ended:
                time.sleep(POLL)


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
        msg = "Dask is not installed; the extra `cluster` brings it: python -m pip install -e '.[cluster]'."
        raise ModuleNotFoundError(msg)
    asyncio.run(_identify(address))
    client = importlib.import_module("distributed").Client(address, timeout=PATIENCE, set_as_default=False)
    with client:
        yield DaskExecutor(client, sum(client.nthreads().values()))


async def _identify(address: str) -> None:
    """Ask a scheduler who it is: a `Client` for an address where something else listens would wait for ever.

    Raises
    ------
    ConnectionError
        If it doesn't answer, isn't a scheduler, or has no worker.
    """
    rpc: Any = importlib.import_module("distributed").rpc
    deadline = time.monotonic() + PATIENCE
    try:
        async with rpc(address) as scheduler:
            who = await asyncio.wait_for(scheduler.identity(), PATIENCE)
            while not who["workers"] and time.monotonic() + 0.1 < deadline:
                await asyncio.sleep(0.1)
                who = await asyncio.wait_for(scheduler.identity(), PATIENCE)
    except Exception as error:  # whatever else listens there may answer anything, a length of 2 EiB for example
        reason = f" within {PATIENCE:g} seconds." if isinstance(error, TimeoutError) else f": {first_line(error)}"
        msg = f"no Dask scheduler answers at {address!r}{reason}"
        raise ConnectionError(msg) from error
    if not who["workers"]:
        msg = f"the Dask scheduler at {address!r} has had no worker for {PATIENCE:g} seconds."
        raise ConnectionError(msg)
