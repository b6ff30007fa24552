"""Checks of the columns of a file, whoever reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays.validation import nearest, shown

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def check_commas(path: Path, header: str) -> None:
    """Refuse a header that is separated by anything but commas."""
    separator = next((name for mark, name in _SEPARATORS.items() if mark in header), "")
    if separator and "," not in header:
        msg = f"{path.name} must have its values separated by commas, got {separator}: pandas.read_csv(path, sep=…) "
        msg += "reads it, and that table's to_csv(path, index=False) writes it with commas."
        raise ValueError(msg)


def check_header(file: str, columns: Sequence[str]) -> None:
    """Refuse a first line that has numbers in place of names."""
    if all(map(is_number, columns)):
        msg = f"{file} must name its columns in the first line, got numbers there: {', '.join(columns)}."
        raise ValueError(msg)


def check_target(file: str, target: str, columns: Sequence[str]) -> None:
    """Refuse a target that is no column, with the nearest that is."""
    if target not in columns:
        near = nearest(target, columns)
        msg = f"target must be a column of {file}: {', '.join(map(repr, columns))}; got {target!r}.{near}"
        raise ValueError(msg)


def text_among_numbers(file: str, column: str, value: object, row: int) -> str:
    """Return what is said of a value of a feature that is no number, in a row counted from 1."""
    return (
        f"feature {column!r} of {file} must be made of numbers, got {value!r} in row {row}: leave the column out, or "
        "replace it by one column of 0 and 1 for each value."
    )


def no_numbers(file: str, column: str, kind: object) -> str:
    """Return what is said of a feature whose type is no number's."""
    return (
        f"feature {column!r} of {file} must be made of numbers, got {kind}: leave it out with columns=[…], or replace "
        "it by one column of 0 and 1 for each value."
    )


def missing(file: str, row: int, column: str, value: object = None) -> str:
    """Return what is said of a value that isn't there, or is infinite, in a row counted from 1."""
    got = "one" if value is None else value
    return (
        f"{file} must have no missing or infinite number, got {got} in row {row}, column {column!r}: fill it in, or "
        "drop the row."
    )


def is_number(value: Any) -> bool:
    """Return whether a value, or its text, is a number."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def chosen(file: str, known: Sequence[str], columns: Sequence[str] | None, target: str) -> tuple[str, ...]:
    """Return the columns that are features: those asked for, or all but the target.

    Raises
    ------
    TypeError, ValueError
        If one isn't there, with the nearest that is, comes twice, or is the target, or if there is none.
    """
    check_target(file, target, known)
    if columns is None:
        columns = [name for name in known if name != target]
    elif isinstance(columns, str) or not all(isinstance(name, str) for name in columns):
        msg = f"columns must be a list of names, got {shown(columns)}."
        raise TypeError(msg)
    for name in columns:
        if name not in known:
            msg = f"columns must be of {file}, which has no {name!r}.{nearest(name, known)}"
            raise ValueError(msg)
    if not columns or target in columns or len(set(columns)) < len(columns):
        msg = f"columns must be different features beside the target {target!r} of {file}, got {shown(list(columns))}."
        raise ValueError(msg)
    return tuple(columns)


def check_same_columns(file: str, columns: Sequence[str], first: str, due: Sequence[str]) -> None:
    """Refuse a file that has other columns than the first."""
    if extra := [name for name in columns if name not in due]:
        msg = (
            f"{file} must have the columns of {first}, the first, got {extra[0]!r} besides: columns=[…] chooses those "
        )
        msg += "that are read."
        raise ValueError(msg)


def floating(dtypes: Sequence[Any]) -> np.dtype[Any]:
    """Return the dtype that features are read in: the widest if all are float32 or float64, else float64."""
    if all(np.dtype(dtype) in {np.dtype(np.float32), np.dtype(np.float64)} for dtype in dtypes):
        return np.dtype(np.result_type(*dtypes))
    return np.dtype(np.float64)


def column_number(file: str, target: int, shape: tuple[int, ...]) -> int:
    """Return the number from 0 of the column that is the target, of rows of a shape.

    Raises
    ------
    ValueError
        If there is no such column, or none beside it.
    """
    p = shape[0]
    if len(shape) != 1 or not -p <= target < p or p < 2:
        msg = (
            f"target must be the number of a column of {file}, beside which there are others, got {target} for rows of "
            f"shape {shape}."
        )
        raise ValueError(msg)
    return target % p
