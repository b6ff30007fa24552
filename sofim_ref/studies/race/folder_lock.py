"""One process at a time in a folder: a lock that the system takes back when its holder ends, however it ends."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = ".lock"
"""The file that is locked. It stays: were it removed, two processes could hold locks on two files of that name."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; on Windows there is none.

    Parameters
    ----------
    folder : Path
        Which exists.

    Raises
    ------
    BlockingIOError
        If another process holds the lock; the message says which.
    OSError
        If the file system has no locks, or can't be written to.
    """
    with (folder / NAME).open("a+b", buffering=0) as file:
        try:
            if sys.platform != "win32":
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BlockingIOError(file.read().decode(errors="replace").strip() or "another process") from None
        with suppress(OSError):  # who holds it is a courtesy, for which a full disk has no room
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        yield
