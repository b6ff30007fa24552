"""A ``.npy`` file of features, with a ``.npy`` file of targets or a column that is the target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.datasets.columns import column_number, floating
from sofim_ref.datasets.rows.shard import Opened, Pair
from sofim_ref.problems.file_state import FileState
from sofim_ref.problems.row_source import FileRows
from sofim_ref.problems.row_table import runs


@dataclass(frozen=True)
class NpyShard:
    """The rows of a ``.npy`` file, each read from the disk when it is asked for.

    Parameters
    ----------
    features : FileRows
        The file.
    targets : FileRows or int
        The rows beside them, or the number of the column that is the target.
    dtype : numpy.dtype
        What features are converted to.
    """

    features: FileRows
    targets: FileRows | int
    dtype: np.dtype[Any]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.features.path.name

    @property
    def files(self) -> tuple[FileState, ...]:
        """The file of features, and that of targets beside it."""
        rows = [self.features] if isinstance(self.targets, int) else [self.features, self.targets]
        return tuple(each.state for each in rows if each.state)

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.features.shape[0]

    def cuts(self, rows: int) -> list[tuple[int, int]]:
        """Return blocks of exactly so many rows, but for the last."""
        return runs(0, self.size, rows)

    def read(self, start: int, stop: int) -> Pair:
        """Return the rows from start to stop, in one read of each file."""
        y = None if isinstance(self.targets, int) else self.targets.read(start, stop)
        return self._apart(self.features.read(start, stop), y)

    def take(self, rows: np.ndarray[Any, Any]) -> Pair:
        """Return the rows of these numbers, in their order."""
        y = None if isinstance(self.targets, int) else self.targets.take(rows)
        return self._apart(self.features.take(rows), y)

    def _apart(self, table: np.ndarray[Any, Any], y: np.ndarray[Any, Any] | None) -> Pair:
        if y is None:
            assert isinstance(self.targets, int)
            table, y = np.delete(table, self.targets, axis=1), table[:, self.targets].copy()
        return table.astype(self.dtype, copy=False), y


def open_npy(files: list[Path], target: int | list[Path], dtype: np.dtype[Any] | None) -> Opened:
    """Open ``.npy`` files of features.

    Parameters
    ----------
    files : list of Path
        The files of features.
    target : int, or list of Path
        The target's column, or the files of targets: as many, or one for all.
    dtype : numpy.dtype, optional

    Raises
    ------
    OSError
        If a file can't be read.
    TypeError, ValueError
        If one isn't of numbers, is cut short, or doesn't go with the others.
    """
    tables = [_opened(path) for path in files]
    _check_alike(tables, dtype)
    first, shape = files[0].name, tables[0].shape[1:]
    if not shape or 0 in shape:
        msg = f"{first} must hold a table, a row an example, got shape {tables[0].shape}."
        raise ValueError(msg)
    beside: list[FileRows | int]
    columns = list(map(str, range(shape[0])))
    if isinstance(target, int):
        name = columns.pop(column_number(first, target, shape))
        beside, shape = [int(name)] * len(tables), (shape[0] - 1,)
    else:
        name = target[0].stem if len(target) == 1 else target[0].resolve().parent.name
        beside = [*_beside(tables, [_opened(path, "biufU") for path in target])]
    due = dtype or floating([tables[0].dtype])
    pairs = zip(tables, beside, strict=True)
    return Opened([NpyShard(X, y, due) for X, y in pairs if X.shape[0]], tuple(columns), name, shape, due)


def _opened(path: Path, kinds: str = "biuf") -> FileRows:
    try:
        return FileRows.of_npy(path, kinds=kinds)
    except ValueError as error:
        msg = f"{path} must be a .npy file of numbers{' or text' * ('U' in kinds)}: {error}."
        raise ValueError(msg) from None


def _check_alike(tables: list[FileRows], dtype: np.dtype[Any] | None) -> None:
    first = tables[0]
    for other in tables[1:]:
        if other.shape[1:] != first.shape[1:]:
            msg = (
                f"{other.path.name} must hold shape ({', '.join(['N', *map(str, first.shape[1:])])}) as "
                f"{first.path.name}, the first, got {other.shape}."
            )
            raise ValueError(msg)
        if other.dtype != first.dtype and dtype is None:
            msg = (
                f"{other.path.name} must hold {first.dtype} as {first.path.name}, the first, got {other.dtype}: "
                "dtype='float64' reads all as that."
            )
            raise TypeError(msg)


def _beside(tables: list[FileRows], targets: list[FileRows]) -> list[FileRows]:
    """Return the rows of targets that go with each table."""
    _check_alike(targets, None)
    if len(targets) == 1:
        whole, N = targets[0], sum(table.shape[0] for table in tables)
        if whole.shape[0] != N:
            msg = f"{whole.path.name} must have {N} rows to go with the features, got shape {whole.shape}."
            raise ValueError(msg)
        starts = np.cumsum([0, *(table.shape[0] for table in tables)]).tolist()
        return [whole.part(start, start + table.shape[0]) for start, table in zip(starts, tables, strict=False)]
    if len(targets) != len(tables):
        msg = (
            f"target must be one file or one for each of the {len(tables)} of features, got {len(targets)} in "
            f"{targets[0].path.parent}."
        )
        raise ValueError(msg)
    for X, y in zip(tables, targets, strict=True):
        if X.shape[0] != y.shape[0]:
            msg = f"{y.path} must have {X.shape[0]} rows to go with {X.path.name}, got shape {y.shape}."
            raise ValueError(msg)
    return targets
