"""Partitions of Dask arrays and data frames, where they lie on the cluster."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from sofim_ref.arrays.validation import shown
from sofim_ref.datasets.columns import chosen, column_number, floating, missing, no_numbers
from sofim_ref.datasets.rows.shard import Kept, Opened, Pair, PieceShard, kept_for
from sofim_ref.problems.file_state import FileState

T = TypeVar("T")


@dataclass(frozen=True)
class DaskShard(PieceShard):
    """A partition of a Dask collection: one block.

    Parameters
    ----------
    name : str
        What messages call it.
    part : dask.delayed.Delayed
        Features and targets as a pair of NumPy arrays, computed where their partition lies: what an engine gives to a
        worker.
    starts : (0, int)
        The number of rows.
    kept : Kept
        What batches need again.
    """

    name: str
    part: Any
    starts: tuple[int, ...]
    kept: Kept = field(compare=False, repr=False)

    @property
    def files(self) -> tuple[FileState, ...]:
        """None: the collection knows where its rows come from."""
        return ()

    def decode(self, first: int, last: int) -> Pair:
        """Return the partition, brought here, features in an array of their own.

        They are aligned in memory: else NumPy multiplies them in another order.
        """
        X, y = self.part.compute()
        return X.copy(), np.require(y, requirements="A")


def on_cluster(f: Callable[..., T], shards: Sequence[DaskShard], arguments: Sequence[Any]) -> list[T]:
    """Return ``f(features, targets, argument)`` of each partition, computed where it lies."""
    dask: Any = importlib.import_module("dask")
    parts = [dask.delayed(_called)(f, shard.part, each) for shard, each in zip(shards, arguments, strict=True)]
    return list(dask.compute(*parts))


def open_dask(rows: Any, target: Any, columns: Sequence[str] | None, dtype: np.dtype[Any] | None) -> Opened:
    """Open a Dask array or data frame: how many rows each partition has is counted where it lies.

    Parameters
    ----------
    rows : dask.array.Array or dask.dataframe.DataFrame
    target : str, int or dask.array.Array
        A column, or the targets.
    columns : sequence of str, optional
        The features, of a data frame.
    dtype : numpy.dtype, optional

    Raises
    ------
    TypeError, ValueError
        If it is no table, or has no such column.
    """
    dask: Any = importlib.import_module("dask")
    found, parts = (_of_frame if hasattr(rows, "columns") else _of_array)(rows, target, columns, dtype)
    sizes = dask.compute(*[dask.delayed(_size)(part) for part in parts])
    pairs = enumerate(zip(parts, sizes, strict=True))
    shards = [DaskShard(f"partition {k}", part, (0, n), kept_for((0, n))) for k, (part, n) in pairs if n]
    return replace(found, shards=shards)


def _of_array(X: Any, target: Any, columns: Any, dtype: Any) -> tuple[Opened, list[Any]]:
    dask: Any = importlib.import_module("dask")
    if columns is not None:
        msg = f"columns must be left out of an array, which has no names, got {shown(columns)}."
        raise ValueError(msg)
    if X.ndim < 2:
        msg = f"an array of features must have shape (N, …), a row for each example, got shape {X.shape}."
        raise ValueError(msg)
    X, names, due = _by_rows(X), list(map(str, range(X.shape[1]))), dtype or floating([X.dtype])
    if isinstance(target, int):
        name = names.pop(column_number("the array", target, X.shape[1:]))
        parts = [dask.delayed(_apart)(part, int(name), due) for part in X.to_delayed().ravel()]
        return Opened([], tuple(names), name, (len(names),), due), parts
    if not hasattr(target, "to_delayed") or hasattr(target, "columns"):
        msg = f"target must be a column's number or a Dask array of targets, got {shown(target)}."
        raise TypeError(msg)
    y = _by_rows(target)
    if X.chunks[0] != y.chunks[0]:
        if X.shape[0] != y.shape[0]:  # of unknown ones, NaN, too
            msg = f"target must have {X.shape[0]} rows to go with features, in equal chunks, got shape {y.shape}."
            raise ValueError(msg)
        y = y.rechunk({0: X.chunks[0]})
    pairs = zip(X.to_delayed().ravel(), y.to_delayed().ravel(), strict=True)
    parts = [dask.delayed(_pair)(*pair, due) for pair in pairs]
    return Opened([], tuple(names), "targets", X.shape[1:], due), parts


def _of_frame(frame: Any, target: Any, columns: Any, dtype: Any) -> tuple[Opened, list[Any]]:
    dask: Any = importlib.import_module("dask")
    names = chosen("the data frame", [str(name) for name in frame.columns], columns, target)
    kinds = [getattr(frame.dtypes[name], "numpy_dtype", frame.dtypes[name]) for name in names]
    for name, kind in zip(names, kinds, strict=True):
        if kind.kind not in "biuf":
            raise ValueError(no_numbers("the data frame", name, kind))
    due = dtype or floating(kinds)
    parts = frame[[*names, target]].to_delayed()
    return Opened([], names, target, (len(names),), due), [dask.delayed(_from_frame)(x, target, due) for x in parts]


def _by_rows(array: Any) -> Any:
    return array.rechunk(dict.fromkeys(range(1, array.ndim), -1)) if array.ndim > 1 else array


def _pair(X: Any, y: Any, dtype: np.dtype[Any]) -> Pair:
    return np.asarray(X, dtype), np.asarray(y)


def _apart(table: Any, target: int, dtype: np.dtype[Any]) -> Pair:
    return np.delete(table, target, axis=1).astype(dtype, copy=False), table[:, target]


def _from_frame(part: Any, target: str, dtype: np.dtype[Any]) -> Pair:
    y = part[target].to_numpy()
    if y.dtype.kind not in "biuf":
        gaps = part[target].isna().to_numpy()
        if gaps.any():
            raise ValueError(missing("a partition", int(gaps.argmax()) + 1, target))
        y = y.astype(str)
    return part.drop(columns=target).to_numpy(dtype), y


def _size(pair: Pair) -> int:
    return len(pair[1])


def _called(f: Callable[..., T], pair: Pair, argument: Any) -> T:
    return f(*pair, argument)
