"""Checks of a loss over blocks of rows: each refusal begins with the block's number."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, namespace, to_numpy
from sofim_ref.arrays.namespace import dtype_name
from sofim_ref.arrays.validation import shown
from sofim_ref.problems.finite_sum import FiniteSum
from sofim_ref.problems.row_source import RowSource, row_source
from sofim_ref.problems.row_table import PairedRows, RowTable


@contextlib.contextmanager
def block_number(k: int, place: str = "") -> Iterator[None]:
    """Put the block's number, and where its rows are, before the message of an error about them."""
    try:
        yield
    except (TypeError, ValueError, OSError) as error:
        msg = f"block {k}{f' ({place})' if place else ''}: {error}"
        raise type(error)(msg) from None


@contextlib.contextmanager
def block_of(table: RowTable, k: int, rows: tuple[int, int], features: Array) -> Iterator[None]:
    """Do as `block_number` for some rows of a table; say where the first number is that isn't finite."""
    try:
        with block_number(k, table.place(*rows)):
            yield
    except ValueError:
        if "float" not in dtype_name(features.dtype):
            raise
        gaps = np.argwhere(~np.isfinite(to_numpy(features)))
        if not gaps.size:
            raise
        row, *column = gaps[0].tolist()
        value = to_numpy(features)[tuple(gaps[0])]
        where = table.cell(rows[0] + row, column)
        msg = f"block {k}: features must be finite, got {value} in {where}: fill it in, or drop the row."
        raise ValueError(msg) from None


@dataclass(frozen=True)
class HostTable:
    """The rows of another table as NumPy's arrays, features in float64."""

    table: RowTable

    @property
    def size(self) -> int:
        """The number N of rows."""
        return self.table.size

    @property
    def representatives(self) -> Array | None:
        """Those of the other table."""
        return self.table.representatives

    @property
    def labels(self) -> bool:
        """Whether the other table's targets stand for labels."""
        return self.table.labels

    def cuts(self, rows: int) -> list[tuple[int, int]]:
        """Return the other table's blocks."""
        return self.table.cuts(rows)

    def place(self, start: int, stop: int) -> str:
        """Return where the other table says that these rows are."""
        return self.table.place(start, stop)

    def cell(self, row: int, column: Sequence[int]) -> str:
        """Return where the other table says that a number is."""
        return self.table.cell(row, column)

    def read(self, start: int, stop: int) -> tuple[Array, Array]:
        """Return the rows from start to stop."""
        return _on_host(*self.table.read(start, stop))

    def take(self, rows: np.ndarray[Any, Any]) -> tuple[Array, Array]:
        """Return the rows of these numbers, in their order."""
        return _on_host(*self.table.take(rows))


def _on_host(features: Array, targets: Array) -> tuple[Array, Array]:
    return to_numpy(features).astype(np.float64), to_numpy(targets)


def block_tables(blocks: Any) -> list[PairedRows]:
    """Return what reads the features and the targets of each block, refusing what isn't a list of such pairs."""
    if not isinstance(blocks, Sequence) or isinstance(blocks, str) or not blocks:
        msg = f"blocks must be a list of at least one pair (features, targets), got {shown(blocks)}."
        raise ValueError(msg)
    found = []
    for k, block in enumerate(blocks):
        with block_number(k):
            if not isinstance(block, tuple | list) or len(block) != 2:
                msg = (
                    f"a block must be a pair (features, targets), got {shown(block)}: Blocks.from_rows cuts one pair "
                    "into blocks."
                )
                raise TypeError(msg)
            found.append(_paired(*block))
    return found


def one_table(features: Any, targets: Any) -> RowTable:
    """Return what reads a table with its targets, or features and targets that lie apart."""
    if isinstance(features, RowTable):
        if targets is not None:
            msg = f"targets must be left out, since the table given has its own, got {shown(targets)}."
            raise TypeError(msg)
        return features
    with block_number(0):
        return _paired(features, targets)


def _paired(features: Any, targets: Any) -> PairedRows:
    X, y = _source("features", features), _source("targets", targets)
    if X.shape[0] != y.shape[0]:
        msg = f"targets must have {X.shape[0]} rows to go with features, got shape {tuple(y.shape)}."
        raise ValueError(msg)
    return PairedRows(X, y)


def _source(argument: str, table: Any) -> RowSource:
    try:
        return row_source(argument, table)
    except OSError as error:
        msg = f"{argument} must be a .npy file that can be read, got {shown(str(table))}: {error.strerror or error}."
        raise type(error)(msg) from None


def check_labels(table: RowTable, loss: FiniteSum) -> None:
    """Refuse numbers of classes where a loss is fitted to numbers: 1, 2, 50 would become 0, 1, 2."""
    if table.labels and not loss.likelihood.labels:
        msg = (
            f"targets must be numbers for {loss.name}, and the table has them as labels 0 … C−1: "
            'standardized(task="regression") keeps numbers, and "counts" leaves counts as they are.'
        )
        raise ValueError(msg)


def check_beside(features: Array, targets: Array, first: tuple[Array, Array]) -> None:
    """Refuse a block of another backend, dtype or width than the first."""
    for name, x, due in (("features", features, first[0]), ("targets", targets, first[1])):
        if namespace(x) is not namespace(due):
            msg = f"{name} must be of the first block's backend, {type(due).__module__}, got {type(x).__module__}."
            raise TypeError(msg)
        if x.dtype != due.dtype:
            msg = f"{name} must have the first block's dtype, {due.dtype}, got {x.dtype}: convert one of them."
            raise TypeError(msg)
        if x.shape[1:] != due.shape[1:]:
            needed = ", ".join(["N", *map(str, due.shape[1:])]) + "," * (due.ndim == 1)
            msg = f"{name} must have shape ({needed}) as in the first block, got {tuple(x.shape)}."
            raise ValueError(msg)
