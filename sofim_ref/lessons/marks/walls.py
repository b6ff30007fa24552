"""What keeps students' code in: limits of time and memory, no network, and writing in one folder only.

Three walls, each of which holds where another fails: limits of the process (``setrlimit``); the Linux kernel's
Landlock, by which the process gives up writing outside one folder and running programs, and a network namespace of its
own, in which there is no network; and an audit hook, by which Python itself refuses what the kernel's walls are about,
with a message. The process raises all of them on itself, before it runs any code of a student's, and can't take them
down.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MEMORY = 4 * 2**30
"""Bytes of address space, most of which NumPy reserves and never fills."""
SECONDS = 120
"""Seconds of processor time, for all exercises of one student's lesson."""
FILE = 16 * 2**20
"""Bytes in one file."""
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # Landlock's system calls, on every architecture
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _REFER, _TRUNCATE = 1, 1 << 13, 1 << 14
_WRITE = (1 << 1) | sum(1 << bit for bit in range(4, 13))  # write, remove and make files and folders
_REFUSED = (
    "socket.",
    "subprocess.",
    "ctypes.",
    "os.exec",
    "os.fork",
    "os.kill",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
)
_CHANGING = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
)


def missing_walls() -> list[str]:
    """Return which of the kernel's walls can't be raised on this machine, in words; none on a recent Linux.

    Notes
    -----
    A process is started and confined to find out: containers may forbid what their kernel can.
    """
    raised = f"from {__name__} import raise_walls; print(*raise_walls('/'), sep='; ')"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path[:] = {sys.path!r}; {raised}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own program
    return [done.stderr] if done.returncode else [wall for wall in done.stdout.strip().split("; ") if wall]


def raise_walls(folder: str) -> list[str]:
    """Confine this process for good, and return which of the kernel's walls it could not raise.

    Parameters
    ----------
    folder : str
        The only folder in which files may be written.
    """
    missing = [] if _limit() else ["limits of memory and time"]
    if not _leave_network():
        missing.append("a network namespace of its own")
    if not _give_up_writing(folder):
        missing.append("Landlock, which forbids writing outside a folder")
    return missing


def _limit() -> bool:
    import resource

    limits = ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, FILE))
    try:
        for what, most in (*limits, (resource.RLIMIT_CORE, 0)):
            resource.setrlimit(what, (most, most))
    except (OSError, ValueError):
        return False
    return True


def _leave_network() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    return hasattr(libc, "unshare") and libc.unshare(_NEW_USER | _NEW_NET) == 0


def _give_up_writing(folder: str) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), 1) if sys.platform == "linux" else -1
    if version < 1:
        return False
    written = _WRITE | (_REFER if version > 1 else 0) | (_TRUNCATE if version > 2 else 0)
    handled = ctypes.c_uint64(written | _EXECUTE)
    rules = libc.syscall(_CREATE, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    allowed = _PathBeneath(written, place)
    granted = libc.syscall(_ADD, rules, 1, ctypes.byref(allowed), 0) == 0
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    confined = libc.syscall(_RESTRICT, rules, 0) == 0
    os.close(place)
    os.close(rules)
    return bool(granted and confined)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def refuse(folder: str, hidden: Sequence[str]) -> None:
    """Let Python refuse sockets, programs and writing outside a folder, and reading below others, from now on.

    Parameters
    ----------
    folder : str
        The only folder in which files may be written.
    hidden : sequence of str
        Folders whose files may not be read: the solutions', and the one with all copies.
    """
    sys.addaudithook(_Hook(Path(folder).resolve(), tuple(Path(name).resolve() for name in hidden)))


class _Hook:
    def __init__(self, folder: Path, hidden: tuple[Path, ...]) -> None:
        self.folder, self.hidden = folder, hidden

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED):
            self.no(event.partition(".")[2] if event.startswith("os.") else event.partition(".")[0])
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path, mode, flags = arguments
            place = Path(os.fsdecode(path)).resolve()
            writes = any(letter in (mode or "") for letter in "wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if (writes and not place.is_relative_to(self.folder)) or any(map(place.is_relative_to, self.hidden)):
                self.no(f"opening {place}")
        if event.startswith(_CHANGING):
            place = Path(os.fsdecode(arguments[0])).resolve() if not isinstance(arguments[0], int) else Path("/")
            if not place.is_relative_to(self.folder):
                self.no(f"{event} of {place}")

    @staticmethod
    def no(what: str) -> None:
        msg = f"{what} is not allowed where copies are marked"
        raise PermissionError(msg)
