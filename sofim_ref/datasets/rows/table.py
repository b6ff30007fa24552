"""A table of more rows than memory holds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from sofim_ref.arrays.validation import an_instance, nearest, one_of
from sofim_ref.datasets.rows.scan import scan
from sofim_ref.datasets.rows.shard import Pair, Shard, gathered
from sofim_ref.datasets.rows.standardization import Standardization, Targets
from sofim_ref.datasets.rows.summary import Place
from sofim_ref.problems.file_state import FileState


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of features with their targets that lie in files or on a cluster, read when they are asked for.

    `open_rows` opens one, and ``Blocks.from_rows(loss, table)`` is the loss over it. It pickles as the recipe of where
    its rows are: another process opens them by itself.

    Parameters
    ----------
    shards : tuple of Shard
        What is read, in the order of the rows: files or partitions, none of them empty.
    columns : tuple of str
        The features' names; numbers where they have none.
    target : str
        The targets' name.
    shape : tuple of int
        That of the features, (N, p).
    dtype : numpy.dtype
        The features'.
    standardization : Standardization, optional
        What is applied to rows as they are read.
    checked : bool
        Whether every row was looked at when that was found.
    """

    shards: tuple[Shard, ...]
    columns: tuple[str, ...]
    target: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    standardization: Standardization | None = field(default=None, repr=False)
    checked: bool = field(default=False, repr=False)

    def __repr__(self) -> str:
        """Return the shape, and what of."""
        kind = type(self.shards[0]).__name__.removesuffix("Shard").lower()
        looked = f", {self.standardization.task}" if self.standardization else ""
        return f"<Table: {self.shape} of {self.dtype} in {len(self.shards)} {kind} shards{looked}>"

    @property
    def size(self) -> int:
        """The number N of rows."""
        return self.shape[0]

    @property
    def files(self) -> tuple[FileState, ...]:
        """The files that are read, as they were when they were opened, each once; none of a Dask collection."""
        return tuple(dict.fromkeys(file for shard in self.shards for file in shard.files))

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The number of rows before each shard, and of all."""
        return tuple(np.cumsum([0, *(shard.size for shard in self.shards)]).tolist())

    @property
    def representatives(self) -> np.ndarray[Any, Any] | None:
        """Targets such that a likelihood takes all if it takes these; None where rows haven't been checked."""
        if not (self.checked and self.standardization):
            return None
        found = self.standardization.representatives
        return found if found is None or self.labels else found.astype(self.dtype)

    @property
    def labels(self) -> bool:
        """Whether targets are read as the numbers 0 … C−1 of labels."""
        return self.standardization is not None and self.standardization.task == "classification"

    def cuts(self, rows: int) -> list[tuple[int, int]]:
        """Return where to cut it into blocks of about so many rows, none of them from two shards.

        Rows of ``.npy`` files are cut exactly, those of CSV at multiples of 1,024; a row group of Parquet and a
        partition of Dask are never cut, and small row groups go together.
        """
        pairs = zip(self.starts[:-1], self.shards, strict=True)
        return [(start + low, start + high) for start, shard in pairs for low, high in shard.cuts(rows)]

    def place(self, start: int, stop: int) -> str:
        """Return the file or partition in which these rows are, and their numbers there, counted from 1."""
        k = bisect_right(self.starts, start) - 1
        return f"rows {start - self.starts[k] + 1:,} to {stop - self.starts[k]:,} of {self.shards[k].name}"

    def cell(self, row: int, column: Sequence[int]) -> str:
        """Return the file or partition in which a number is, its row there, counted from 1, and its column's name."""
        k = bisect_right(self.starts, row) - 1
        name = repr(self.columns[column[0]]) if len(column) == 1 else ", ".join(map(str, column))
        return f"row {row - self.starts[k] + 1:,} of {self.shards[k].name}, column {name}"

    def read(self, start: int, stop: int) -> Pair:
        """Return features and targets of the rows from start to stop, standardized if the table is.

        Raises
        ------
        OSError
            If a file can't be read, or isn't what it was when the table was opened.
        ValueError
            If what is read is no number, or no known label. The message has file and row.
        """
        first, last = bisect_right(self.starts, start) - 1, bisect_left(self.starts, stop)
        found = []
        for k in range(first, last):
            low, high = max(start - self.starts[k], 0), min(stop, self.starts[k + 1]) - self.starts[k]
            found.append(self._standardized(k, low, self.shards[k].read(low, high)))
        if len(found) == 1:
            return found[0]
        X, y = (np.concatenate(x) for x in zip(*found, strict=True))
        return X, y

    def take(self, rows: np.ndarray[Any, Any]) -> Pair:
        """Return those of the rows of these numbers, in their order.

        Rows of ``.npy`` files are read one by one where they lie apart. Of other files whole pieces are decoded and the
        last of them kept: take rows that lie close, as batches drawn with ``shuffle="blocks"`` do.
        """
        return gathered(self.starts, rows, lambda k, rows: self._standardized(k, 0, self.shards[k].take(rows)))

    def standardized(self, standardization: Standardization | None = None, *, task: Targets | None = None) -> Table:
        """Return the table standardized as it is read: features to mean 0 and variance 1, labels to 0 … C−1.

        Nothing is written: means, deviations and labels are kept in `standardization`, and applied to each block.

        Parameters
        ----------
        standardization : Standardization, optional
            That of the training rows, for held-out ones. If not given, it is found in one pass over all rows, in which
            they are checked too: every number is finite, every target a label.
        task : {"classification", "regression", "counts"}, optional
            What the targets are: labels, numbers that are standardized as features are, or counts, which stay as they
            are. If not given, text, Booleans and whole numbers with at most 10 different values are labels.

        Returns
        -------
        Table

        Raises
        ------
        OSError
            If a file can't be read, or isn't what it was when the table was opened.
        TypeError, ValueError
            If a number is missing or infinite (the message has file, row and column), there is only one class, or a
            given standardization is of other columns.
        """
        if len(self.shape) != 2:
            msg = f"features must be a table of columns to be standardized, got shape {self.shape}."
            raise ValueError(msg)
        if task is not None:
            one_of("task", task, ("classification", "regression", "counts"))
        if standardization is not None:
            remedy = "that of another table, or what Standardization.load returns"
            an_instance("standardization", standardization, Standardization, remedy)
            self._check_columns(standardization)
            return replace(self, standardization=standardization, checked=False)
        found, place = scan(self.shards, self._place), self._place(0, 0)
        known = Standardization.of(found, place, task=task)
        return replace(self, standardization=known, checked=True)

    def _place(self, k: int, start: int) -> Place:
        return Place(self.shards[k].name, start, self.columns, self.target)

    def _standardized(self, k: int, start: int, pair: Pair) -> Pair:
        known, place = self.standardization, self._place(k, start)
        return known.apply(*pair, place, overwrite=True) if known else pair  # shards give arrays of their own

    def _check_columns(self, known: Standardization) -> None:
        if known.columns == self.columns:
            return
        wrong = next((name for name in known.columns if name not in self.columns), None)
        if wrong is None:
            msg = (
                f"standardization must be of the table's columns, {len(self.columns)} in their order, got "
                f"{len(known.columns)}: columns=[…] of open_rows chooses them."
            )
        else:
            msg = f"the table must have the column {wrong!r} that was standardized.{nearest(wrong, self.columns)}"
        raise ValueError(msg)
