"""A Parquet file, read by row groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays.memory import UNCHECKED, free_memory, size
from sofim_ref.datasets.columns import check_same_columns, chosen, floating
from sofim_ref.datasets.rows.arrow import check_features, pyarrow, readable, target_kind, to_pair
from sofim_ref.datasets.rows.shard import Kept, Opened, Pair, PieceShard, kept_for
from sofim_ref.problems.file_state import FileState

KIND = "a Parquet file"
"""What messages say that a file should be."""


@dataclass(frozen=True)
class ParquetShard(PieceShard):
    """The rows of a Parquet file: a piece is a row group, of which only the columns in use are read.

    Parameters
    ----------
    state : FileState
        The file.
    starts : tuple of int
        The number of rows before each row group, and of all.
    columns : tuple of str
        The features.
    target : str
        The column of targets.
    dtype : numpy.dtype
        What features are converted to.
    kept : Kept
        What batches need again.
    """

    state: FileState
    starts: tuple[int, ...]
    columns: tuple[str, ...]
    target: str
    dtype: np.dtype[Any]
    kept: Kept = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.state.path.name

    @property
    def files(self) -> tuple[FileState, ...]:
        """The file."""
        return (self.state,)

    def decode(self, first: int, last: int) -> Pair:
        """Return the rows of some row groups.

        Raises
        ------
        OSError
            If the file can't be read, or isn't what it was.
        ValueError
            If a target is missing.
        """
        pq = pyarrow(".parquet")
        path, known, names = self.state.path, _metadata(self.state), [*self.columns, self.target]
        with (
            self.state.unchanged(),
            readable(path, KIND),
            pq.ParquetFile(path, metadata=known, page_checksum_verification=True) as file,
        ):
            table = file.read_row_groups(list(range(first, last)), columns=names).select(names)
        return to_pair(table, self.target, self.dtype, self.name, self.starts[first])


@lru_cache(maxsize=64)
def _metadata(state: FileState) -> Any:
    """Return what stands at the end of the file: it isn't pickled with the shard."""
    with state.unchanged(), readable(state.path, KIND):
        return pyarrow(".parquet").read_metadata(state.path)


def open_parquet(files: list[Path], target: str, columns: Sequence[str] | None, dtype: np.dtype[Any] | None) -> Opened:
    """Open Parquet files, of which only the metadata is read.

    Parameters
    ----------
    files : list of Path
        In the order of the rows.
    target : str
        The column of targets.
    columns : sequence of str, optional
        The features; all columns of the first file but the target, if not given.
    dtype : numpy.dtype, optional

    Raises
    ------
    OSError
        If a file can't be read.
    MemoryError
        If a row group would take more than half of the memory that is free.
    TypeError, ValueError
        If a file is no Parquet, lacks a column, or has other types than the first.
    """
    states = [FileState.of(path) for path in files]
    schemas = [_metadata(state).schema.to_arrow_schema() for state in states]
    names = [name for name in schemas[0].names if not name.startswith("__index_level_")]
    features = chosen(files[0].name, names, columns, target)
    kinds, kind = list[Any](), target_kind(files[0].name, schemas[0], target)
    for path, schema in zip(files, schemas, strict=True):
        chosen(path.name, schema.names, features, target)
        if columns is None:
            check_same_columns(path.name, schema.names, files[0].name, schemas[0].names)
        kinds += check_features(path.name, schema, features)
        if (here := target_kind(path.name, schema, target)) != kind:
            msg = f"target {target!r} of {path.name} must be {kind} as in {files[0].name}, the first, got {here}."
            raise TypeError(msg)
    due, shards = dtype or floating(kinds), []
    for state in states:
        found = _metadata(state)
        sizes = [found.row_group(k).num_rows for k in range(found.num_row_groups)]
        starts = tuple(np.cumsum([0, *sizes]).tolist())
        _check_memory(state.path, max(sizes, default=0), len(features), due)
        if starts[-1]:
            shards.append(ParquetShard(state, starts, features, target, due, kept_for(starts)))
    return Opened(shards, features, target, (len(features),), due)


def _check_memory(path: Path, rows: int, p: int, dtype: np.dtype[Any]) -> None:
    needed = 2 * rows * p * dtype.itemsize  # as columns, and as rows
    free = free_memory(np.empty(0)) if needed > UNCHECKED else None
    if free is not None and needed > free / 2:
        msg = (
            f"{path.name} has a row group of {rows:,} rows, which takes {size(needed)} while it is read. It may take "
            f"half of the {size(free)} that are free: write it in smaller ones, pyarrow.parquet.write_table(table, "
            "path, row_group_size=16_384), or read fewer columns."
        )
        raise MemoryError(msg)
