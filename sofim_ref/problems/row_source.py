"""Rows that are read when they are asked for: of an array, or of a file from which nothing stays in memory."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace
from sofim_ref.arrays.validation import an_array, shown
from sofim_ref.problems.file_state import FileState
from sofim_ref.problems.mapped_file import address_of, state_if_mapped

_SPARSE = 16
"""From one row in so many on, a range is read whole instead of row by row."""


class RowSource(Protocol):
    """A table of rows, of which some can be had as an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (N, …)."""

    def read(self, start: int, stop: int) -> Array:
        """Return the rows from start to stop."""

    def take(self, rows: np.ndarray[Any, Any]) -> Array:
        """Return the rows of these numbers, in their order."""


@dataclass(frozen=True)
class ArrayRows:
    """The rows of an array of any backend: nothing is copied before it is asked for."""

    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return tuple(self.array.shape)

    def read(self, start: int, stop: int) -> Array:
        """Return a view."""
        return self.array[start:stop, ...]

    def take(self, rows: np.ndarray[Any, Any]) -> Array:
        """Return a copy of the rows."""
        return namespace(self.array).take(self.array, from_numpy(rows, like=self.array), axis=0)


@dataclass(frozen=True)
class FileRows:
    """The rows of a C-contiguous table in a file, each time read anew into an array of their own.

    A mapped page counts as the process's memory until the system takes it back, and ends the process where the file
    has become shorter; a read does neither.

    Parameters
    ----------
    path : Path
        The file.
    position : int
        The byte at which the first row begins.
    shape : tuple of int
        The shape (N, …).
    dtype : numpy.dtype
    state : FileState, optional
        What the file has to be still when it is read. None where it is being written: then it may only not be shorter.
    """

    path: Path
    position: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    state: FileState | None = None

    @classmethod
    def of_npy(cls, path: Path, *, kinds: str = "biuf") -> FileRows:
        """Return the rows of a ``.npy`` file, of which the header alone is read; `kinds` of dtype are taken.

        Raises
        ------
        OSError
            If it can't be read.
        ValueError
            If it is no ``.npy`` file of such an array in C order, or is shorter than its header says.
        """
        state = FileState.of(path)
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, by_columns, dtype = read(file)
            position = file.tell()
        found = cls(path, position, shape, dtype, state)
        if dtype.kind not in kinds or not dtype.isnative or (by_columns and len(shape) > 1) or not shape:
            order = "columns" if by_columns else "rows"
            msg = (
                f"an array of numbers of this machine's byte order in C order is needed, got shape {shape}, "
                f"dtype {dtype}, kept by {order}; np.ascontiguousarray makes one"
            )
            raise ValueError(msg)
        needed = position + shape[0] * found.row_bytes
        if state.size < needed:
            msg = f"it is cut short: its header asks for {needed:,} bytes, and it has {state.size:,}"
            raise ValueError(msg)
        return found

    @property
    def row_bytes(self) -> int:
        """The number of bytes in a row."""
        return self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))

    def part(self, start: int, stop: int) -> FileRows:
        """Return the rows from start to stop as rows of their own."""
        shape = (stop - start, *self.shape[1:])
        return replace(self, position=self.position + start * self.row_bytes, shape=shape)

    def read(self, start: int, stop: int) -> np.ndarray[Any, Any]:
        """Return the rows from start to stop, in one read.

        Raises
        ------
        OSError
            If the file can't be read, or isn't what it was.
        """
        found = np.empty((stop - start, *self.shape[1:]), self.dtype)
        with self._opened() as file:
            self._fill(file, start, found)
        return found

    def take(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the rows of these numbers, in their order: one read each, or one of all where they lie close.

        Raises
        ------
        OSError
            As `read`.
        """
        low, high = int(rows.min()), int(rows.max()) + 1
        if _SPARSE * len(rows) > high - low:
            return np.take(self.read(low, high), rows - low, axis=0)
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        with self._opened() as file:
            for place, row in enumerate(rows.tolist()):
                self._fill(file, row, found[place : place + 1])
        return found

    @contextlib.contextmanager
    def _opened(self) -> Iterator[FileIO]:
        with self.state.unchanged() if self.state else contextlib.nullcontext(), FileIO(self.path) as file:
            yield file

    def _fill(self, file: FileIO, start: int, found: np.ndarray[Any, Any]) -> None:
        file.seek(self.position + start * self.row_bytes)
        room = found.reshape(-1).view(np.uint8).data
        while room:
            if not (n := file.readinto(room)):
                needed = self.position + self.shape[0] * self.row_bytes
                size = os.fstat(file.fileno()).st_size
                msg = f"{self.path} has {size:,} bytes and had {needed:,} when it was opened: it was shortened since."
                raise OSError(msg)
            room = room[n:]


def row_source(argument: str, table: Any) -> RowSource:
    """Return the rows of an array, of a mapped file, or of the ``.npy`` file that a path names.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or has no rows.
    """
    if isinstance(table, str | os.PathLike):
        try:
            found = FileRows.of_npy(Path(table))
        except ValueError as error:
            msg = f"{argument} must be a .npy file of numbers, got {shown(str(table))}: {error}."
            raise ValueError(msg) from None
        _check_rows(argument, found.shape)
        return found
    an_array(argument, table)
    _check_rows(argument, tuple(table.shape))
    return _in_file(table) or ArrayRows(table)


def _check_rows(argument: str, shape: tuple[int, ...]) -> None:
    if not shape or not shape[0]:
        msg = f"{argument} must have a row, got shape {shape}: leave an empty block out."
        raise ValueError(msg)


def _in_file(table: Any) -> FileRows | None:
    """Return where a mapped array lies in its file; None for what isn't one, or isn't row after row as it is there.

    None too if another file has the name by now: then rows are those of the array, read through the map.
    """
    mapped = getattr(table, "_mmap", None)  # NumPy says the file and where the map begins, not where a slice does
    if not isinstance(table, np.memmap) or mapped is None or table.filename is None or table.mode == "c":
        return None
    if not table.flags.c_contiguous or not table.dtype.isnative:
        return None
    inside = table.ctypes.data - address_of(mapped)
    if not 0 <= inside < len(mapped):  # a copy keeps the name of the file
        return None
    path = Path(table.filename)
    state = state_if_mapped(path, mapped)
    if state is None:
        return None
    begins = table.offset - table.offset % mmap.ALLOCATIONGRANULARITY
    return FileRows(path, begins + inside, table.shape, table.dtype, state if table.mode == "r" else None)
