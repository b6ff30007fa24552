"""Rows with their features and targets, read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.problems.row_source import RowSource


@runtime_checkable
class RowTable(Protocol):
    """Rows of features with their targets, of which any run and any choice can be read.

    What `Blocks` reads: `PairedRows` of arrays and ``.npy`` files, or what `datasets.open_rows` opens. It pickles as
    the recipe of where its rows are, so that another process opens it by itself.
    """

    @property
    def size(self) -> int:
        """The number N of rows."""

    @property
    def representatives(self) -> Array | None:
        """Where every row has been checked, targets such that a likelihood takes all if it takes these; else None."""

    @property
    def labels(self) -> bool:
        """Whether targets are numbers of classes that stand for the labels stored."""

    def cuts(self, rows: int) -> list[tuple[int, int]]:
        """Return where to cut it into blocks of about so many rows: pairs (start, stop) of neighbours, all rows."""

    def place(self, start: int, stop: int) -> str:
        """Return where these rows are, for messages; an empty text where their numbers say it."""

    def cell(self, row: int, column: Sequence[int]) -> str:
        """Return where a number of the features is, for messages: the row's number from 0, and its index there."""

    def read(self, start: int, stop: int) -> tuple[Array, Array]:
        """Return the features and targets of the rows from start to stop."""

    def take(self, rows: np.ndarray[Any, Any]) -> tuple[Array, Array]:
        """Return those of the rows of these numbers, in their order."""


@dataclass(frozen=True)
class PairedRows:
    """Features and targets that lie apart, row n beside row n.

    Parameters
    ----------
    features, targets : RowSource
        Of the same number of rows.
    """

    features: RowSource
    targets: RowSource

    @property
    def size(self) -> int:
        """The number N of rows."""
        return self.features.shape[0]

    @property
    def representatives(self) -> None:
        """Nothing: no row has been checked."""

    @property
    def labels(self) -> bool:
        """No: targets are as they are stored."""
        return False

    def cuts(self, rows: int) -> list[tuple[int, int]]:
        """Return blocks of exactly so many rows, but for the last."""
        return runs(0, self.size, rows)

    def place(self, start: int, stop: int) -> str:
        """Return nothing: blocks are cut at multiples of the number of rows."""
        return ""

    def cell(self, row: int, column: Sequence[int]) -> str:
        """Return the indices."""
        return f"row {row}, column {', '.join(map(str, column))}, counted from 0"

    def read(self, start: int, stop: int) -> tuple[Array, Array]:
        """Return the rows from start to stop, as each source reads them."""
        return self.features.read(start, stop), self.targets.read(start, stop)

    def take(self, rows: np.ndarray[Any, Any]) -> tuple[Array, Array]:
        """Return the rows of these numbers, as each source takes them."""
        return self.features.take(rows), self.targets.take(rows)


def runs(start: int, stop: int, rows: int) -> list[tuple[int, int]]:
    """Return the rows from start to stop cut into runs of so many."""
    return [(low, min(low + rows, stop)) for low in range(start, stop, rows)]
