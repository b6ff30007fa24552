"""The confined process as seen from outside: it is given a copy's code, and its functions are called through it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from sofim_ref.lessons.exercise import Values
from sofim_ref.lessons.marks.wire import MOST, decoded, encoded, line, message
from sofim_ref.lessons.sandbox import Reported

PATIENCE = 20.0
"""Seconds in which a copy's own lines must have run, without the exercises' calls."""


class Gone(Reported):
    """Raised when the process has ended or doesn't answer in time."""


@dataclass
class Confined:
    """A process that runs students' code behind walls, and is started anew where a copy has ended it.

    Parameters
    ----------
    copies : Path
        The folder with all copies, which the process may not read.
    patience : float
        Seconds after which an answer is no longer waited for.
    """

    copies: Path
    patience: float = PATIENCE
    missing: list[str] = field(default_factory=list)
    """The walls that the kernel could not raise."""

    def __enter__(self) -> Self:
        """Start the process."""
        self._folder = TemporaryDirectory(prefix="marks-")
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """End the process, and remove the folder in which it could write."""
        self._end()
        self._folder.cleanup()

    def _start(self) -> None:
        folder = self._folder.name
        own = {
            "HOME": folder,
            "TMPDIR": folder,
            "MPLCONFIGDIR": folder,
            "MPLBACKEND": "agg",
            "PATH": os.environ.get("PATH", ""),
        }
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        program = [
            sys.executable,
            "-I",
            "-B",
            str(Path(__file__).with_name("confined.py")),
            folder,
            str(self.copies),
            *sys.path,
        ]
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            program,
            cwd=folder,
            env=own | threads,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._rest = b""
        self.missing = list(self._heard(PATIENCE)["missing"])

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _end(self) -> None:
        self._kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was not yet sent
                    stream.close()

    def run(self, sources: Sequence[str]) -> list[str]:
        """Run a copy's code from the beginning, in a process that no other copy has ended; say what each cell raised.

        Parameters
        ----------
        sources : sequence of str
            Cells; one that raises doesn't keep the next from running.

        Returns
        -------
        list of str
            One for each cell; empty where it raised nothing.

        Raises
        ------
        Gone
            If they end the process, or take longer than its patience.
        """
        if self.ended:
            self._end()
            self._start()
        troubles = self.asked({"run": list(sources)}).get("troubles")
        if not isinstance(troubles, list) or len(troubles) != len(sources):  # the copy's own code has replied
            self._kill()
            raise Gone(_GONE)
        return list(map(str, troubles))

    def kind(self, name: str) -> str:
        """Return what a copy has by a name: "function", "blank", "thing" or "missing"."""
        return str(self.asked({"name": name}).get("kind"))

    def function(self, name: str, arguments: Sequence[str]) -> Answer:
        """Return a copy's function, which is called in the process."""
        return Answer(self, name, tuple(arguments))

    def stop(self) -> None:
        """End the process: what it is doing takes too long."""
        self._end()

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def asked(self, content: dict[str, Any]) -> dict[str, Any]:
        """Send a message, and return the reply.

        Raises
        ------
        Gone
            If the process has ended, or doesn't answer in time.
        """
        try:
            stdin = self._process.stdin
            assert stdin is not None
            stdin.write(line(content))
            stdin.flush()
        except (OSError, ValueError):
            raise Gone(_GONE) from None
        return self._heard(self.patience)

    def _heard(self, patience: float) -> dict[str, Any]:
        """Return the next line of the process as a message."""
        stdout = self._process.stdout
        assert stdout is not None
        until = time.monotonic() + patience
        while b"\n" not in self._rest:
            try:
                ready, _, _ = select.select([stdout], [], [], max(0.0, until - time.monotonic()))
                part = os.read(stdout.fileno(), 2**16) if ready else b""
            except (OSError, ValueError):  # ended from another thread
                part = b""
            self._rest += part
            if not part or len(self._rest) > MOST:
                self._kill()
                raise Gone(_GONE)
        first, _, self._rest = self._rest.partition(b"\n")
        try:
            return message(first + b"\n")
        except ValueError:
            self._kill()
            raise Gone(_GONE) from None


_GONE = "it ended the process in which it ran, or used more time or memory than is allowed."


@dataclass(frozen=True)
class Answer:
    """A student's function in the confined process: called here, it runs there.

    Parameters
    ----------
    process : Confined
    name : str
    arguments : tuple of str
        The names of its arguments, in order.
    """

    process: Confined
    name: str
    arguments: tuple[str, ...]

    def __call__(self, *given: Any) -> Any:
        """Return what the function returns there.

        Raises
        ------
        Reported
            If it returns nothing that can be compared, or the process has ended.
        """
        reply = self._sent(dict(zip(self.arguments, given, strict=True)))
        if reply.get("trouble"):
            raise Reported(str(reply["trouble"]))
        try:
            return decoded(reply["value"])
        except (KeyError, TypeError, ValueError):
            raise Reported(_GONE) from None

    def memory(self, case: Values) -> int:
        """Return the most bytes that the function's arrays fill at one time, measured there."""
        found = self._sent(case, memory=True).get("memory")
        return found if isinstance(found, int) else sys.maxsize

    def _sent(self, case: Values, **more: bool) -> dict[str, Any]:
        content = {"name": self.name, "case": {name: encoded(value) for name, value in case.items()}, **more}
        return self.process.asked(content)
