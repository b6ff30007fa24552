"""The workers of a Dask cluster, each of which has a run of the blocks and asks them where they are."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import time
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sofim_ref.arrays.validation import positive
from sofim_ref.problems.block_task import Portion, Task
from sofim_ref.problems.engines.engine import Engine, runs
from sofim_ref.problems.engines.share import ROOM, Share, portion, recipe

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks

PATIENCE = 10.0
"""Seconds that a scheduler may take to answer, and a cluster to have a worker, before the run ends."""

LOOK = 10.0
"""Seconds after which the cluster is asked whether workers have come or gone."""

INLINE = 500_000
"""The number of bytes of a task up to which each worker is sent its own copy; a longer one they pass on."""


@dataclass(frozen=True)
class _Place:
    """A run of blocks, the worker that has it, and the share there, which Dask makes anew where that worker dies."""

    run: tuple[int, int]
    address: str
    share: Any


class Cluster(Engine):
    """The workers of a Dask cluster.

    The blocks stay there: a pass sends each worker the question and w, and its sum comes back.

    Parameters
    ----------
    client : distributed.Client
        Connected to the scheduler.
    patience : float
        The seconds without a scheduler, or without any worker, after which the run ends.

    Raises
    ------
    ModuleNotFoundError
        If Dask isn't installed.
    TypeError, ValueError
        If `client` is none, or `patience` isn't above 0.

    Notes
    -----
    Every worker opens its blocks by their recipe: a file by its name, which must be the same there; a part of an array
    in the memory of the process that asks is sent once. It keeps in memory what fits into 0.3 of its own. When it dies,
    another opens its blocks, and what it had to answer is asked again, within the same pass; the sums don't notice, bit
    for bit. Workers that come are given blocks within `LOOK` seconds.
    """

    def __init__(self, client: Any, *, patience: float = PATIENCE) -> None:
        if importlib.util.find_spec("distributed") is None:
            msg = "Dask is not installed; the extra `cluster` brings it: python -m pip install 'sofim_ref[cluster]'."
            raise ModuleNotFoundError(msg)
        if not isinstance(client, importlib.import_module("distributed").Client):
            msg = f"client must be a distributed.Client, got {client!r}: Client('tcp://host:8786') connects to one."
            raise TypeError(msg)
        positive("patience", patience)
        self.client, self.patience = client, patience
        self._places: WeakKeyDictionary[Blocks, list[_Place]] = WeakKeyDictionary()
        self._looked = -LOOK
        self._is_gone = False

    def __repr__(self) -> str:
        """Return where the scheduler is."""
        return f"Cluster({self.client.scheduler.addr if self.client.scheduler else 'closed'})"

    def total(self, blocks: Blocks, task: Task) -> Portion:
        """Return what all blocks answer, in one piece.

        Raises
        ------
        ConnectionError
            If the scheduler is gone, or all workers are.
        RuntimeError
            If some blocks ended every worker that was given them.
        """
        places = self._placed(blocks, task)
        message = pickle.dumps(task, protocol=5)
        sent = message if len(message) <= INLINE else self.client.submit(_as_it_is, message, pure=False)
        answers = [
            self.client.submit(
                _answers, place.share, sent, place.run, pure=False, workers=[place.address], allow_other_workers=True
            )
            for place in places
        ]
        while len(answers) > 1:  # the neighbours' sums, then those of neighbouring pairs
            answers = [
                answers[k]
                if k + 1 == len(answers)
                else self.client.submit(_joined, answers[k], answers[k + 1], task.n_blocks, pure=False)
                for k in range(0, len(answers), 2)
            ]
        found = portion(self._result(answers[0]))
        if set(found.where) != {place.address for place in places}:
            self._looked = -LOOK  # somebody else has answered: look who is there
        return found

    def _placed(self, blocks: Blocks, task: Task) -> list[_Place]:
        """Return which worker has which blocks; shared out anew if workers have come or gone."""
        known = self._places.get(blocks, [])
        if known and time.monotonic() - self._looked < LOOK:
            return known
        addresses = self._workers()
        self._looked = time.monotonic()
        if sorted(place.address for place in known) == addresses[: len(known)] and known:
            return known
        places = []
        for run, address in zip(runs(task.starts, len(addresses)), addresses, strict=False):
            content = recipe(blocks, *run)
            share = self.client.submit(_opened, content, pure=False, workers=[address], allow_other_workers=True)
            places.append(_Place(run, address, share))
        self._places[blocks] = places
        return places

    def _workers(self) -> list[str]:
        """Return the addresses of the workers, each as often as it has threads."""
        deadline, reason = time.monotonic() + self.patience, "has had no worker"
        while not self._is_gone and self.client.scheduler is not None:
            left = deadline - time.monotonic()
            try:
                ask = self.client.scheduler.ncores
                threads: dict[str, int] = self.client.sync(ask, callback_timeout=max(left, 0.1))
                reason = "has had no worker"
            except (OSError, TimeoutError):
                threads, reason = {}, "has had no scheduler that answers"
            if threads:
                return sorted(address for address, n in threads.items() for _ in range(n))
            if left <= 0:
                self._is_gone = True
                msg = f"the Dask cluster {reason} for {self.patience:g} seconds."
                raise ConnectionError(msg)
            time.sleep(0.1)
        msg = "the Dask scheduler is gone."
        raise ConnectionError(msg)

    def _result(self, future: Any) -> bytes:
        """Return a future's result; a scheduler that is gone would be waited for without end."""
        killed = importlib.import_module("distributed.scheduler").KilledWorker
        while True:
            try:
                found: bytes = future.result(timeout=1.0)
            except TimeoutError:
                if future.status == "error":
                    raise
                self._workers()
            except CancelledError:
                self._workers()
                msg = "the Dask scheduler has lost what was asked: it was started anew, or the client closed."
                raise ConnectionError(msg) from None
            except killed as error:
                msg = f"some blocks ended every worker that was given them, for lack of memory perhaps: {error}"
                raise RuntimeError(msg) from None
            else:
                return found


def _as_it_is(content: bytes) -> bytes:
    return content


def _opened(content: bytes) -> Share:
    """Return the share of blocks of a worker, which keeps in memory what fits into `ROOM` of the worker's."""
    limit = importlib.import_module("distributed").get_worker().memory_manager.memory_limit
    return Share.opened(content, ROOM * limit if limit else None)


def _answers(share: Share, message: bytes, run: tuple[int, int]) -> bytes:
    return share.answers(message, *run, where=importlib.import_module("distributed").get_worker().address)


def _joined(left: bytes, right: bytes, n_blocks: int) -> bytes:
    return pickle.dumps(portion(left).joined(portion(right), n_blocks), protocol=5)
