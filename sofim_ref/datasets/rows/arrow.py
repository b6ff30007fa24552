"""Columns of pyarrow as arrays, and pyarrow's own errors as sentences."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.datasets.columns import missing, no_numbers
from sofim_ref.datasets.rows.shard import Pair

SLICE = 1_024
"""The number of rows that are written at a time, column by column: their lines of the cache stay in it."""


def pyarrow(module: str = "") -> Any:
    """Return pyarrow, or a module of it.

    Raises
    ------
    ModuleNotFoundError
        If it isn't installed.
    """
    try:
        return importlib.import_module(f"pyarrow{module}")
    except ModuleNotFoundError:
        msg = "pyarrow, which reads Parquet and CSV files by blocks, is not installed: "
        msg += "python -m pip install -e '.[data]' in the repository brings it."
        raise ModuleNotFoundError(msg) from None


def reason(error: Exception) -> str:
    """Return the first line of an error of pyarrow, without a full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].removesuffix(".")


def check_features(file: str, schema: Any, columns: tuple[str, ...]) -> list[np.dtype[Any]]:
    """Return the features' dtypes.

    Raises
    ------
    ValueError
        If one isn't made of numbers.
    """
    types = pyarrow().types
    found: list[np.dtype[Any]] = []
    for name in columns:
        kind = schema.field(name).type
        if types.is_float32(kind) or types.is_float64(kind):
            found.append(np.dtype(kind.to_pandas_dtype()))
        elif types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind):
            found.append(np.dtype(np.int64))
        else:
            raise ValueError(no_numbers(file, name, kind))
    return found


def target_kind(file: str, schema: Any, target: str) -> str:
    """Return whether a target is "numbers", "Booleans" or "text".

    Raises
    ------
    ValueError
        If it is neither.
    """
    types = pyarrow().types
    kind = schema.field(target).type
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_boolean(kind):
        return "Booleans"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "numbers"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    msg = f"target {target!r} of {file} must be made of numbers or text, got {kind}."
    raise ValueError(msg)


def to_pair(table: Any, target: str, dtype: np.dtype[Any], file: str, start: int) -> Pair:
    """Return columns as features, shape (n, p), and the last of them as targets; `start` rows of the file come before.

    Raises
    ------
    ValueError
        If a target is missing.
    """
    pa, n = pyarrow(), table.num_rows
    X = np.empty((n, table.num_columns - 1), dtype)
    kind = pa.from_numpy_dtype(dtype)
    found = [table.column(name).cast(kind, safe=False).to_numpy() for name in table.column_names[:-1]]
    for low in range(0, n, SLICE):
        rows = slice(low, low + SLICE)
        for j, x in enumerate(found):
            X[rows, j] = x[rows]
    y = table.column(target)
    if pa.types.is_dictionary(y.type):
        y = y.cast(y.type.value_type)
    if pa.types.is_decimal(y.type):
        y = y.cast(pa.float64())
    if y.null_count:
        row = int(np.argmax(y.is_null().to_numpy()))
        raise ValueError(missing(file, start + row + 1, target))
    values = y.to_numpy()
    return X, values.astype(str) if values.dtype.kind == "O" else values


@contextlib.contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    """Say of what pyarrow can't read which file it is.

    Raises
    ------
    OSError
        If it isn't there, or must not be read.
    ValueError
        If it isn't of that kind, is cut short, or has wrong bytes in it.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, pyarrow().ArrowException) as error:
        msg = f"{path} must be {kind}, and can't be read: {reason(error)}. If it was cut short, write it again."
        raise ValueError(msg) from None
