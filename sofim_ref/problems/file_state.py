"""What a file was when it was opened, so that a change under way is noticed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileState:
    """A file's size and time of last change.

    Parameters
    ----------
    path : Path
        The file.
    size : int
        In bytes.
    modified : int
        In nanoseconds. A copy on another machine has to keep it (``cp -p``, ``rsync -t``).
    """

    path: Path
    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return what the file is now."""
        found = path.stat()
        return cls(path, found.st_size, found.st_mtime_ns)

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Refuse what was read inside if the file isn't what it was: then any other error is a consequence.

        Raises
        ------
        OSError
            If the file is gone, has another size, or was written since.
        """
        try:
            yield
        except (OSError, ValueError):
            self._check()
            raise
        self._check()

    def _check(self) -> None:
        try:
            now = FileState.of(self.path)
        except FileNotFoundError:
            msg = f"{self.path} is gone: it was there when it was opened. Put it back, and open it again."
            raise FileNotFoundError(msg) from None
        if now == self:
            return
        change = "written anew" if now.size == self.size else "shortened" if now.size < self.size else "lengthened"
        msg = (
            f"{self.path} has {now.size:,} bytes and had {self.size:,} when it was opened: it was {change} since. "
            "What was computed from it may be of both files: open it again, and start again."
        )
        raise OSError(msg)
