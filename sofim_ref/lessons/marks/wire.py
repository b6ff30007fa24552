"""Arguments and answers as JSON between two processes: from a confined one nothing else is taken."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sofim_ref.lessons.comparison import numbers

MOST = 2**24
"""Bytes in one message."""
_DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


def encoded(value: Any) -> Any:
    """Return a value as what JSON can hold: numbers, arrays of any backend, lists and tuples of these."""
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, list | tuple):
        return {"tuple" if isinstance(value, tuple) else "list": [encoded(part) for part in value]}
    try:
        array = numbers(value)
    except (TypeError, ValueError):
        return {"other": type(value).__name__, "dtype": str(getattr(value, "dtype", ""))}
    name = str(array.dtype) if str(array.dtype) in _DTYPES else "float64"
    return {"array": array.astype(name).ravel().tolist(), "dtype": name, "shape": list(array.shape)}


def decoded(value: Any) -> Any:
    """Return what was encoded; of what is no number only its type's name is left.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it isn't an encoded value.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case {"list": parts}:
            return [decoded(part) for part in parts]
        case {"tuple": parts}:
            return tuple(decoded(part) for part in parts)
        case {"array": entries, "dtype": name, "shape": shape} if name in _DTYPES:
            return np.asarray(entries, dtype=name).reshape(shape)[()]
        case {"other": str() as name}:
            return type(name if name.isidentifier() else "thing", (), {})()
    msg = f"an encoded value must be a number, a list or an array, got {type(value).__name__}."
    raise ValueError(msg)


def message(line: bytes) -> dict[str, Any]:
    """Return the message in a line.

    Raises
    ------
    ValueError
        If the line holds none.
    """
    found = json.loads(line) if line.endswith(b"\n") else None
    if not isinstance(found, dict):
        msg = "a message must be a line with an object of JSON."
        raise ValueError(msg)  # noqa: TRY004  # what a confined process writes is a value, of whatever type
    return found


def line(content: dict[str, Any]) -> bytes:
    """Return a message as a line."""
    return json.dumps(content).encode() + b"\n"
