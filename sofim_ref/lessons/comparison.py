"""Comparing what a student's function returned with the right answer, at the precision in which it was computed."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from sofim_ref.arrays import to_numpy

Numbers = np.ndarray[Any, Any]


def numbers(value: Any) -> Numbers:
    """Return a number, an array of any backend, or nested lists of these, as a NumPy array of real numbers.

    Raises
    ------
    ValueError
        If it holds anything else, or rows of different lengths.
    """
    if isinstance(value, list | tuple):
        array = np.asarray([numbers(part) for part in value])
    elif isinstance(value, Real | np.ndarray):
        array = np.asarray(value)
    else:
        try:
            array = to_numpy(value.detach() if hasattr(value, "detach") else value)
        except (TypeError, RuntimeError):
            array = np.asarray(value)
    if array.dtype == object and array.ndim == 0 and isinstance(value, Real):
        array = np.asarray(float(value))
    if array.dtype.kind not in "biuf":
        msg = f"real numbers are expected, got {array.dtype}."
        raise ValueError(msg)
    return array


def unlike(value: Any, expected: Any) -> str:
    """Return how an answer's type or shape differs from the right one's, in a sentence; empty if it doesn't.

    Parameters
    ----------
    value : object
        What the function returned.
    expected : number, array, or tuple of these
        The right answer. Where it is a tuple, a list or an array of as many parts is as good.
    """
    if value is None:
        return "it returned nothing: is there a return at the end?"
    parts = _parts(value, expected)
    if parts is None:
        return f"it is to return {len(expected)} things, and returned {_thing(value)}."
    for part, wanted in parts:
        try:
            fits = numbers(part).shape == np.shape(wanted)
        except (TypeError, ValueError):
            fits = False
        if not fits:
            return f"it is to return {_thing(wanted)}, and returned {_thing(part)}."
    return ""


def agree(value: Any, expected: Any) -> bool:
    """Return whether two answers are equal up to rounding: to half of the digits of the less precise of the two."""
    parts = _parts(value, expected)
    return parts is not None and all(_agree(part, wanted) for part, wanted in parts)


def _agree(value: Any, expected: Any) -> bool:
    try:
        one, other = numbers(value), numbers(expected)
    except (TypeError, ValueError):
        return False
    tolerance = max(_eps(one), _eps(other)) ** 0.5
    same = one.shape == other.shape
    return same and np.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)


def _eps(array: Numbers) -> float:
    return float(np.finfo(array.dtype if array.dtype.kind == "f" else np.float64).eps)


def _parts(value: Any, expected: Any) -> list[tuple[Any, Any]] | None:
    """Return the parts of an answer beside those of the right one; None if there are more or fewer."""
    if not isinstance(expected, tuple):
        return [(value, expected)]
    try:
        parts = value if isinstance(value, list | tuple) else list(numbers(value))
    except (TypeError, ValueError):
        return None
    return list(zip(parts, expected, strict=True)) if len(parts) == len(expected) else None


def _thing(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{len(value)} things"
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
        return f"an array of {value.dtype}"
    try:
        shape = numbers(value).shape
    except (TypeError, ValueError):
        return f"a {type(value).__name__}"
    return f"an array of shape {shape}" if shape else "a number"


def written(value: Any, digits: int = 6) -> str:
    """Return numbers as they are written by hand: (1, 0.5), not array([1. , 0.5])."""
    if isinstance(value, tuple | list):
        return f"({', '.join(written(part, digits) for part in value)})"
    array = numbers(value)
    if array.ndim == 0:
        return f"{float(array):.{digits}g}"
    return f"({', '.join(written(part, digits) for part in array)})"


def written_apart(value: Any, expected: Any) -> tuple[str, str]:
    """Return two answers that differ, with as many digits as show it."""
    for digits in (6, 9, 17):
        one, other = written(value, digits), written(expected, digits)
        if one != other:
            break
    return one, other
