"""Whether a mapped file still has the name by which it was opened."""

from __future__ import annotations

import mmap
from contextlib import closing
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from sofim_ref.problems.file_state import FileState

_FOUND: WeakKeyDictionary[mmap.mmap, tuple[FileState, bool]] = WeakKeyDictionary()
"""What the name of an open map's file stood for when it was looked at, and whether for that file: blocks share maps."""


def address_of(mapped: mmap.mmap) -> int:
    """Return where in memory a map begins."""
    return int(np.frombuffer(mapped, np.uint8).ctypes.data)


def state_if_mapped(path: Path, mapped: mmap.mmap) -> FileState | None:
    """Return what the file at a path is; None if it isn't the one that is mapped, but was put in its place.

    A map doesn't say what it is of, but Linux lists a process's maps with device and inode: a second map of the path,
    made for this, has to have the same. Where there is no such list nobody knows, and the answer is None.
    """
    try:
        state = FileState.of(path)
        known, same = _FOUND.get(mapped, (None, False))
        if known != state:
            with path.open("rb") as file, closing(mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_READ)) as now:
                same = _listed(mapped) == _listed(now)
            _FOUND[mapped] = state, same
    except OSError:  # the file has gone, or there is no list
        return None
    return state if same else None


def _listed(mapped: mmap.mmap) -> tuple[str, str]:
    """Return device and inode of what is mapped."""
    address = address_of(mapped)
    with Path("/proc/self/maps").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            reach, _, _, device, inode, *_ = line.split()
            start, end = (int(each, 16) for each in reach.split("-"))
            if start <= address < end:
                return device, inode
    msg = "the system doesn't list this map"
    raise OSError(msg)
