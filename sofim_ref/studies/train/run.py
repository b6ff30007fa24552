"""Train, save on the way, and go on from what was saved."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sofim_ref.problems.engines import Engine
from sofim_ref.studies.race.folder_lock import locked
from sofim_ref.studies.train.setting import TrainSetting
from sofim_ref.training import Record, Status, Trace
from sofim_ref.training.minimize import minimize
from sofim_ref.training.storage import left_unfinished, write_whole


class OtherRunError(ValueError):
    """Raised where a folder holds another run: of another file, of this one before it was changed, or a broken one."""


@dataclass(frozen=True)
class RunFolder:
    """A folder with a run's trace, and with what defines the run.

    Parameters
    ----------
    path : Path
    """

    path: Path

    @property
    def trace_file(self) -> Path:
        """The file of the trace: `Trace.load` reads it."""
        return self.path / "trace.npz"

    @property
    def definition_file(self) -> Path:
        """The file with what defines the run."""
        return self.path / "definition.json"

    def locked(self) -> AbstractContextManager[None]:
        """Hold the folder's lock: no two processes write the same run."""
        return locked(self.path)

    def begin(self, setting: TrainSetting) -> Trace | None:
        """Return the trace that is there; None if the run begins here.

        Raises
        ------
        OSError
            If the folder can't be read or written to.
        OtherRunError
            If another run is there, its data have changed, or its files are broken.
        """
        for file in left_unfinished(self.path):
            file.unlink(missing_ok=True)
        if not self.trace_file.exists():
            write_whole(self.definition_file, json.dumps(setting.definition, indent=1).encode())
            return None
        self._check_definition(setting.definition)
        try:
            trace = Trace.load(self.trace_file)
        except ValueError as error:
            msg = f"{self.trace_file} isn't what a run wrote: {error} Remove it to begin again, or give another folder."
            raise OtherRunError(msg) from None
        problem = setting.problem
        if trace.problem != (now := f"{problem.name}, d = {problem.dim}, N = {problem.size}"):
            msg = f"{self.path} holds a run on other data: {trace.problem}, where now {now}. Give another folder."
            raise OtherRunError(msg)
        if trace.optimizer != repr(setting.optimizer):
            msg = (
                f"{self.path} holds a run of {trace.optimizer}, and the file now makes {setting.optimizer!r}: with "
                "another number of steps a schedule is another one. Give another folder."
            )
            raise OtherRunError(msg)
        return trace

    def _check_definition(self, wanted: dict[str, Any]) -> None:
        """Refuse another run than the one that began here, and files that were written since."""
        try:
            found = json.loads(self.definition_file.read_text(encoding="utf-8"))
            differences = [
                (table, key, found[table].get(key), wanted[table].get(key))
                for table in wanted
                for key in {**found[table], **wanted[table]}
                if found[table].get(key) != wanted[table].get(key)
            ]
        except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
            msg = (
                f"{self.definition_file} isn't what a run wrote, so that nothing says which run {self.trace_file.name} "
                "is of. Give another folder."
            )
            raise OtherRunError(msg) from None
        if said := [
            f"[{table}] {key} was {_text(was)} and is {_text(now)}"
            for table, key, was, now in differences
            if table != "files"
        ]:
            msg = f"{self.path} holds another run: {'; '.join(said)}. Give another folder."
            raise OtherRunError(msg)
        if differences:
            changed = ", ".join(key for _, key, *_ in differences)
            msg = (
                f"{self.path} holds a run on other data: since it began {changed} was written, added or removed. "
                "Give another folder; a copy of the same file keeps its time with cp -p."
            )
            raise OtherRunError(msg)


@dataclass
class _Saver:
    """Keeps the trace so far, and writes it from time to time; a write that fails is told, and tried again later."""

    setting: TrainSetting
    folder: RunFolder
    before: Trace | None
    tell: Callable[[str], Any]
    progress: Callable[[int, int, str], Any]
    latest: Trace | None = None
    saved: int | None = None
    failed: OSError | None = None
    clock: float = field(default_factory=time.monotonic)
    seen: tuple[float, float] | None = None

    def __call__(self, trace: Trace) -> None:
        self.latest = trace
        self._show(trace.records[-1])
        if time.monotonic() - self.clock >= self.setting.save_every:
            self.save()

    def save(self) -> None:
        """Write the trace so far; keep the error where it can't be written."""
        self.clock = time.monotonic()
        if self.latest is None:
            return
        step = self.latest.records[-1].step
        try:
            joined(self.before, self.latest).save(self.folder.trace_file)
        except OSError as error:
            kept = "nothing is saved yet" if self.saved is None else f"step {self.saved}, saved before, is intact"
            if self.failed is None:
                self.tell(f"Step {step} can't be saved, {error.strerror or error}: {kept}; the run goes on.")
            self.failed = error
        else:
            self.saved, self.failed = step, None

    def _show(self, record: Record) -> None:
        now, rate = time.monotonic(), ""
        if self.seen is not None and now > self.seen[1]:
            rows = (record.epoch - self.seen[0]) * self.setting.problem.size
            rate = f", {rows / (now - self.seen[1]):.3g} rows a second"
        self.seen = record.epoch, now
        text = f"loss {record.loss:.6g}, gradient norm {record.gradient_norm:.3g}{rate}"
        self.progress(record.step, self.setting.budget.total, text)


def train(
    setting: TrainSetting,
    folder: RunFolder,
    engine: Engine | None = None,
    *,
    tell: Callable[[str], Any] = lambda _: None,
    progress: Callable[[int, int, str], Any] = lambda _done, _total, _text: None,
) -> Trace:
    """Run what is missing of a run, and return its trace, from the start on; it is in the folder then.

    Parameters
    ----------
    setting : TrainSetting
    folder : RunFolder
        Which is there, and locked.
    engine : Engine, optional
        Who asks the blocks.
    tell : callable
        Called with a line for what a reader should know.
    progress : callable
        Called with the steps taken, their number, and how the run stands.

    Returns
    -------
    Trace

    Raises
    ------
    KeyboardInterrupt, OSError, RuntimeError
        After Ctrl-C, or if a file can't be read, the cluster is gone, or the last save fails. What was reached is
        saved if it can be.
    OtherRunError
        If the folder holds another run.

    Notes
    -----
    The trace is written whole or not at all. A run that goes on has the bits of one that was never stopped, on the same
    or on another engine: see `Engine`. Everything since the last record is computed again.
    """
    before = folder.begin(setting)
    done = before.records[-1].step if before else 0
    if before is not None:
        left = setting.budget.total - done
        near = before.records[-1].gradient_norm <= setting.run.get("tolerance", 0)  # which may be lower than it was
        if left <= 0 or before.status.failed or (before.status is Status.CONVERGED and near):
            tell(f"The run ended at step {done}: {before.message}")
            return before
        tell(f"Step {done} of {setting.budget.total} was saved before: the run goes on from there.")
    setting.problem.engine = engine
    saver = _Saver(setting, folder, before, tell, progress, saved=done if before else None)
    run = {key: value for key, value in setting.run.items() if key not in ("steps", "epochs")}
    if before is not None:
        run |= {"w0": before.w, "state": before.state}
    steps = setting.budget.total - done
    try:
        trace = minimize(setting.problem, setting.optimizer, steps=steps, checkpoint=saver, on_interrupt="raise", **run)
        saver.latest = trace
    except BaseException:
        saver.save()
        raise
    saver.save()
    if saver.failed is not None:
        raise saver.failed
    return joined(before, trace)


def joined(before: Trace | None, trace: Trace) -> Trace:
    """Return the trace of a run that went on, with the records of its beginning."""
    if before is None:
        return trace
    last, calls = before.records[-1], dict(before.oracle_calls)
    shifted = [
        dataclasses.replace(
            record,
            seconds=last.seconds + record.seconds,
            oracle_calls=last.oracle_calls + record.oracle_calls,
            gradient_evaluations=last.gradient_evaluations + record.gradient_evaluations,
        )
        for record in trace.records[1:]
    ]
    for name, n in trace.oracle_calls.items():
        calls[name] = calls.get(name, 0) + n
    return dataclasses.replace(trace, records=(*before.records, *shifted), oracle_calls=calls)


def _text(value: Any) -> str:
    return "not given" if value is None else repr(value)
