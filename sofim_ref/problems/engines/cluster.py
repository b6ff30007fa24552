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
from sofim_ref.problems.engines.share import KEPT, Share, portion, recipe

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks

PATIENCE = 10.0
"""Seconds that a scheduler may take to answer before the run ends."""

ABSENCE = 60.0
"""Seconds without any worker before it ends."""

LOOK = 10.0
"""Seconds after which the cluster is asked whether workers have come or gone."""

ATTEMPTS = 5
"""How often a pass is begun anew where workers died, before the run ends."""

INLINE = 200_000
"""The number of bytes of a task up to which it travels with the question; a longer one is spread to the workers."""


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
        The seconds without an answer from the scheduler after which the run ends.

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
    for bit. Workers that come are given blocks within `LOOK` seconds. What a pass answered stays on the workers until
    the next one is on its way.

    Dask's profiler takes a tenth of a pass (docs/how_far.md); ``distributed.worker.profile.enabled: false``
    in Dask's configuration of the workers switches it off.
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
        self._places: WeakKeyDictionary[Blocks, tuple[list[str], list[_Place]]] = WeakKeyDictionary()
        self._looked = -LOOK
        self._is_gone = False
        self._kept: list[Any] = []
        """What the pass before asked and was answered."""

    def __repr__(self) -> str:
        """Return where the scheduler is."""
        return f"Cluster({self.client.scheduler.addr if self.client.scheduler else 'closed'})"

    @property
    def n_workers(self) -> int:
        """How many threads the workers have in all."""
        return len(self._workers())

    def total(self, blocks: Blocks, task: Task) -> Portion:
        """Return what all blocks answer, in one piece.

        Raises
        ------
        ConnectionError
            If the scheduler is gone, or all workers are.
        RuntimeError
            If some blocks ended every worker that was given them.
        """
        message = pickle.dumps(task, protocol=5)
        places, sent = self._placed(blocks, task), self._spread(message)
        answers, attempts = [self._ask(place, sent) for place in places], 1
        total = self._joined(answers, task.n_blocks)
        self._kept = []  # released now: before, it would have held up the questions, as Dask sends every 10 ms at most
        while (found := self._result(total)) is None:
            alive = self._workers()
            if getattr(sent, "status", "finished") != "finished":  # every worker that had it died
                sent = self._spread(message)
            lost = [k for k, place in enumerate(places) if _is_lost(answers[k], place.address in alive)]
            if lost and attempts == ATTEMPTS:
                msg = (
                    f"workers died in {ATTEMPTS} attempts at one pass over the same blocks: memory may be short there."
                )
                raise RuntimeError(msg)
            attempts += bool(lost)
            for k in lost:  # what Dask runs again by itself where any worker was left meanwhile
                places[k] = self._place(blocks, places[k].run, alive[k % len(alive)])
                answers[k] = self._ask(places[k], sent)
            total = self._joined(answers, task.n_blocks)
        self._kept = [sent, *answers, total]
        whole = portion(found)
        if set(whole.where) != {place.address for place in places}:
            self._looked = -LOOK  # somebody else has answered: look who is there
        return whole

    def _spread(self, message: bytes) -> Any:
        """Return a message as it is sent with each question: itself if it is short, or a future that all workers have.

        Dask would copy a long one several times where it stood in the question.
        """
        return message if len(message) <= INLINE else self.client.scatter(message, broadcast=True, hash=False)

    def _ask(self, place: _Place, sent: Any) -> Any:
        """Return the future of what the blocks of a place answer."""
        there: dict[str, Any] = {"workers": [place.address], "allow_other_workers": True}
        return self.client.submit(_answers, place.share, sent, place.run, pure=False, **there)

    def _joined(self, answers: list[Any], n_blocks: int) -> Any:
        """Return the future of the sum: of two neighbours' sums, then of two neighbouring pairs'."""
        while len(answers) > 1:
            pairs = zip(answers[::2], answers[1::2], strict=False)
            single = answers[len(answers) // 2 * 2 :]
            answers = [*(self.client.submit(_joined, *pair, n_blocks, pure=False) for pair in pairs), *single]
        return answers[0]

    def _placed(self, blocks: Blocks, task: Task) -> list[_Place]:
        """Return which worker has which blocks; shared out anew if workers have come or gone."""
        seen, known = self._places.get(blocks, ([], []))
        if known and time.monotonic() - self._looked < LOOK:
            return known
        addresses = self._workers()
        self._looked = time.monotonic()
        if seen == addresses:
            return known
        shares = zip(runs(task.starts, len(addresses)), addresses, strict=False)
        places = [self._place(blocks, run, address) for run, address in shares]
        self._places[blocks] = addresses, places
        return places

    def _place(self, blocks: Blocks, run: tuple[int, int], address: str) -> _Place:
        """Return a run of blocks with the share that a worker is asked to open."""
        there: dict[str, Any] = {"workers": [address], "allow_other_workers": True}
        content = recipe(blocks, *run)  # kept by the scheduler too, so that another worker can open it
        with importlib.import_module("dask").config.set({"distributed.admin.large-graph-warning-threshold": "1PB"}):
            return _Place(run, address, self.client.submit(_opened, content, pure=False, **there))

    def _workers(self) -> list[str]:
        """Return the addresses of the workers, each as often as it has threads; wait for the first of them."""
        heard = began = time.monotonic()
        while not self._is_gone and self.client.status not in ("closing", "closed"):
            try:
                threads = self.client.sync(self.client.scheduler.ncores, callback_timeout=self.patience)
                heard = time.monotonic()
            except (OSError, RuntimeError, TimeoutError):  # RuntimeError where the client closes meanwhile
                threads = {}
            if threads:
                return sorted(address for address, n in threads.items() for _ in range(n))
            now = time.monotonic()
            self._is_gone = now - heard > self.patience
            if now - began > ABSENCE:
                msg = f"the Dask cluster has had no worker for {ABSENCE:g} seconds."
                raise ConnectionError(msg)
            time.sleep(0.1)
        waited = f"has not answered for {self.patience:g} seconds" if self._is_gone else "is gone"
        msg = f"the Dask scheduler {waited}."
        raise ConnectionError(msg)

    def _result(self, future: Any) -> bytes | None:
        """Return a future's result; None if it isn't there within a second, and it is time to look for the cluster."""
        killed = importlib.import_module("distributed.scheduler").KilledWorker
        try:
            found: bytes = future.result(timeout=1.0)
        except TimeoutError:
            if future.status == "error":
                raise
            return None
        except CancelledError:  # its message or its share died with the workers that had it, or the scheduler did
            return None
        except killed as error:
            msg = f"some blocks ended every worker that was given them; memory may be short there: {error}"
            raise RuntimeError(msg) from None
        return found


def _is_lost(answer: Any, is_there: bool) -> bool:
    """Return whether an answer won't come: cancelled, or waited for from a worker that isn't there."""
    return answer.status not in ("finished", "pending") or (answer.status == "pending" and not is_there)


def _opened(content: bytes) -> Share:
    """Return the share of blocks of a worker, which keeps in memory what fits into `KEPT` of the worker's."""
    limit = importlib.import_module("distributed").get_worker().memory_manager.memory_limit
    return Share.opened(content, KEPT * limit if limit else None)


def _answers(share: Share, message: bytes, run: tuple[int, int]) -> bytes:
    return share.answers(message, *run, where=importlib.import_module("distributed").get_worker().address)


def _joined(left: bytes, right: bytes, n_blocks: int) -> bytes:
    return pickle.dumps(portion(left).joined(portion(right), n_blocks), protocol=5)
