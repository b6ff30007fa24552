"""Checks of the columns of a file, whoever reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sofim_ref.arrays.validation import nearest

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


def is_number(value: Any) -> bool:
    """Return whether a value, or its text, is a number."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
