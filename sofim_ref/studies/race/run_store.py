"""A race on disk: its setting, and one small file a run. What is there is never computed again, nor overwritten."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sofim_ref.studies.race import folder_lock
from sofim_ref.studies.race.job import Job
from sofim_ref.studies.race.run import Result
from sofim_ref.studies.race.setting import Setting
from sofim_ref.training.storage import left_unfinished, write_whole

DECISIVE = ("workload", "methods")
"""The parts of a setting from whose differences others follow, which needn't be told beside them."""

TOLD = 3
"""The number of differences between two races that a message names."""

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""The errors of a file system that has no locks."""

UNREADABLE = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What a file that is no JSON, or other JSON than was written, makes of reading it."""


@dataclass
class RunStore:
    """The folder where a race keeps its results.

    Parameters
    ----------
    path : Path
        Of the folder, which is empty or holds a race with the same setting.
    notes : list of str
        What was found there that a reader should know.
    """

    path: Path
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._holds_lock = False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process run a race in the folder, which exists; `begin` and `run_race` do it themselves.

        Raises
        ------
        ValueError
            If another race is being run there; the message names its process.
        OSError
            If the folder can't be written to.
        """
        if self._holds_lock:
            yield
            return
        with ExitStack() as stack:
            try:
                stack.enter_context(folder_lock.locked(self.path))
            except BlockingIOError as holder:
                msg = (
                    f"the results folder must be used by one race at a time, but {holder} is running one in "
                    f"{str(self.path)!r}: wait until it ends, or give another folder (--out)."
                )
                raise ValueError(msg) from None
            except OSError as error:
                if error.errno not in WITHOUT_LOCKS:
                    raise
                self.notes.append(f"{self.path} is on a file system without locks: let no other race run there.")
            self._holds_lock = True
            try:
                yield
            finally:
                self._holds_lock = False

    def check(self, setting: Setting) -> None:
        """Refuse a folder that holds another race, or something else.

        Raises
        ------
        ValueError
            Whose message names what differs.
        OSError
            If it can't be read.
        """
        if not self.path.exists():
            return
        kept = self.path / "race.json"
        listed = {file.name for file in self.path.iterdir() if not file.name.startswith(".")}
        if kept.name not in listed:  # asked of one listing: another race may begin there at any time
            if listed:
                msg = f"the results folder must be empty or hold this race, but {str(self.path)!r} holds other files."
                raise ValueError(msg)
            return
        try:
            there = dict(json.loads(kept.read_text(encoding="utf-8"))["setting"])
        except UNREADABLE:
            msg = (
                f"the results folder must be empty or hold this race, but {str(kept)!r} can't be read as a race. "
                "Give another folder (--out)."
            )
            raise ValueError(msg) from None
        differing = _telling(there, _plain(setting.to_json()))
        if differing:
            more = f"; and {len(differing) - TOLD} more" if len(differing) > TOLD else ""
            msg = (
                f"the results folder must be empty or hold this race, but {str(self.path)!r} holds another: "
                f"{'; '.join(differing[:TOLD])}{more}. Give another folder (--out)."
            )
            raise ValueError(msg)

    def begin(self, setting: Setting, command: str) -> None:
        """Write down what the race is, unless that has been done, and remove what a process that was killed left.

        Raises
        ------
        ValueError
            As `check` and `locked` do.
        OSError
            If the folder can't be written to.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self.locked():
            self.check(setting)  # another race may have begun there since
            if not (self.path / "race.json").exists():
                self.write("race.json", {"setting": setting.to_json(), "command": command})
            (self.path / "runs").mkdir(exist_ok=True)
            for folder in (self.path, self.path / "runs"):
                for file in left_unfinished(folder):
                    file.unlink(missing_ok=True)

    def found(self, jobs: Iterable[Job]) -> dict[str, Result]:
        """Return the results that are on disk, by job's name; a file that can't be read is set aside, with a note."""
        results: dict[str, Result] = {}
        for job in jobs:
            file = self._file(job)
            try:
                text = json.loads(file.read_text(encoding="utf-8"))
                results[job.name] = Result.from_json(job, text)
            except FileNotFoundError:
                continue
            except UNREADABLE as error:
                aside = self._aside(file)
                note = f"{file.name} is no result of this race ({error}): set aside as {aside.name}, computed again."
                self.notes.append(note)
        return results

    def keep(self, result: Result) -> None:
        """Write a result to disk."""
        self.write(f"runs/{result.job.name}.json", result.to_json(), indent=None)

    def write(self, name: str, content: Any, *, indent: int | None = 1) -> None:
        """Write JSON to a file of that name, whole or not at all."""
        text = json.dumps(content, indent=indent, allow_nan=False, ensure_ascii=False) + "\n"
        write_whole(self.path / name, text.encode())

    def _file(self, job: Job) -> Path:
        return self.path / "runs" / f"{job.name}.json"

    @staticmethod
    def _aside(file: Path) -> Path:
        number = 1
        while (aside := file.with_name(f"{file.name}.unreadable-{number}")).exists():
            number += 1
        return file.rename(aside)


def _plain(value: Any) -> Any:
    """Return what JSON would give back."""
    return json.loads(json.dumps(value))


def _telling(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return the differences of two settings in clauses, changed files first; only those of a decisive part if any."""
    decisive = (list(_differences(there.get(part), here.get(part), part)) for part in DECISIVE)
    return next(filter(None, decisive), None) or list(_differences(there, {"code": {}, **here}))


def _differences(there: Any, here: Any, path: str = "") -> Iterable[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        for name in dict.fromkeys((*here, *there)):
            yield from _differences(there.get(name), here.get(name), f"{path}, {name}" if path else name)
    elif there != here and path.startswith(("code, ", "data")):  # known by digests, which say nothing to a reader
        changed = "has changed since" if there and here else f"is used {'there' if there else 'here'} only"
        yield f"{path.removeprefix('code, ')} {changed}"
    elif there != here:
        yield f"{path} is {_told(there)} there and {_told(here)} here"


def _told(value: Any) -> str:
    if value is None:
        return "not given"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
