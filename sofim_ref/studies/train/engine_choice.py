"""Who asks the blocks of a run, as its file says it."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sofim_ref.problems.engines import Cluster, Engine, Processes, Threads
from sofim_ref.problems.engines.threads import usable_cores
from sofim_ref.studies.race.dask_executor import dask_executor
from sofim_ref.studies.race.executor import children_ignore_ctrl_c
from sofim_ref.studies.train.toml_file import TomlFile

ENGINES = ("threads", "processes", "dask", "none")
"""Who asks the blocks: see `problems.engines`; with "none", one block is asked after another."""

ENGINE_KEYS = ("kind", "workers", "address")
"""The keys of the table [engine]."""


@dataclass(frozen=True)
class EngineChoice:
    """An engine that isn't at work yet.

    Parameters
    ----------
    file : TomlFile
        Where it is chosen.
    kind : str
        One of `ENGINES`.
    workers : int or None
        How many; one for each core if not given.
    address : str or None
        Of a Dask scheduler, whose cluster has its own workers.
    """

    file: TomlFile
    kind: str
    workers: int | None
    address: str | None

    @classmethod
    def of(cls, file: TomlFile, table: dict[str, Any]) -> EngineChoice:
        """Return the choice that a table makes, threads if it makes none.

        Raises
        ------
        ConfigError
            If a value can't be used, or two don't go together.
        """
        kind = file.named("engine", "kind", table.get("kind", "threads"), ENGINES)
        workers, address = table.get("workers"), table.get("address")
        if workers is not None and (not isinstance(workers, int) or isinstance(workers, bool) or workers < 1):
            file.refuse("engine", "workers", f"must be a whole number >= 1, got {workers!r}.")
        if address is not None:
            file.checked("engine", "address", address, str, "the address of a scheduler, tcp://host:8786 say")
            if kind != "dask" or workers is not None:
                file.refuse("engine", "address", 'goes with kind = "dask", and without workers, which the cluster has.')
        if kind == "none" and workers is not None:
            file.refuse("engine", "workers", 'goes with kind = "threads", "processes" or "dask".')
        return cls(file, kind, workers, address)

    @property
    def n_workers(self) -> int:
        """How many blocks are asked at a time; a cluster is asked for its number."""
        if self.address is not None:
            with self.opened() as engine:
                assert isinstance(engine, Cluster)
                return engine.n_workers
        return 1 if self.kind == "none" else self.workers or usable_cores()

    @contextmanager
    def opened(self) -> Iterator[Engine | None]:
        """Yield the engine, with a cluster of its own where the file names none.

        Raises
        ------
        ConfigError
            If Dask isn't installed, or no scheduler answers.
        """
        if self.kind == "threads":
            yield Threads(self.workers)
        elif self.kind == "processes":
            yield Processes(self.workers)
        elif self.kind == "dask":
            with ExitStack() as stack:
                yield Cluster(self._client(stack))
        else:
            yield None

    def _client(self, stack: ExitStack) -> Any:
        try:
            address = self.address
            if address is None:
                with children_ignore_ctrl_c():
                    cluster = importlib.import_module("distributed").LocalCluster(
                        n_workers=self.workers, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
                    )
                address = stack.enter_context(cluster).scheduler_address
            client = stack.enter_context(dask_executor(address)).client
        except ConnectionError as error:
            self.file.refuse("engine", "address" if self.address else "kind", error)
        except ModuleNotFoundError:
            self.file.refuse("engine", "kind", "Dask is not installed; the extra `cluster` brings it.")
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it has to say the run says
        return client
