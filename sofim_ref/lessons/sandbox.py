"""Calling a student's function safely: on copies of its arguments, with a time limit, whatever it returns or raises."""

from __future__ import annotations

import copy
import ctypes
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.lessons.exercise import Values

LIMIT = 2.0
"""The time allowed for one call, in seconds."""


class OutOfTime(BaseException):
    """Raised in a function that exceeds its time; not an Exception, so that `except Exception` doesn't catch it."""


@dataclass(frozen=True)
class Answered:
    """The outcome of a call.

    Parameters
    ----------
    value : object
        The value returned; None if there is none.
    trouble : str
        Why the value can't be compared with the reference, in a sentence; empty if it can.
    late : bool
        Whether the call exceeded its time.
    """

    value: Any
    trouble: str = ""
    late: bool = False


def ask(function: Callable[..., Any], values: Values, *, expected: Any, limit: float = LIMIT) -> Answered:
    """Call a function on copies of the values, and check the type and shape of what it returns.

    Parameters
    ----------
    function : callable
    values : mapping
        Argument names and values, passed in this order, by position.
    expected : object
        An answer of the right kind: a number, an array, or a tuple of those.
    limit : float
        Seconds.

    Returns
    -------
    Answered
    """
    given = copy.deepcopy(dict(values))
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            with np.errstate(all="ignore"):
                outcome["value"] = function(*given.values())
        except OutOfTime:
            pass
        except BaseException as error:  # noqa: BLE001  # whatever a student's code raises is reported
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit)
    if thread.is_alive():
        _stop(thread)
        return Answered(None, f"it has not returned after {limit:g} seconds: a loop that never ends?", late=True)
    if "error" in outcome:
        return Answered(None, _raised(outcome["error"]))
    for name, before in values.items():
        if not np.array_equal(np.asarray(before), np.asarray(given[name]), equal_nan=True):
            return Answered(None, f"it changed its argument {name}: work on a copy, since the caller still needs it.")
    return Answered(outcome["value"], _kind(outcome["value"], expected))


def _kind(value: Any, expected: Any) -> str:
    """Return what is wrong with the type or the shape; empty if nothing is."""
    if value is None:
        return "it returned nothing: is there a return at the end?"
    if isinstance(expected, tuple):
        if not isinstance(value, tuple | list) or len(value) != len(expected):
            return f"it is to return {len(expected)} things, and returned {_thing(value)}."
        return next((trouble for pair in zip(value, expected, strict=True) if (trouble := _kind(*pair))), "")
    if type(value).__module__.split(".")[0] not in ("numpy", "builtins"):
        return f"it is to return NumPy arrays or numbers, as it was given, and returned {_thing(value)}."
    try:
        array = np.asarray(value)
        fits = array.dtype.kind in "biuf" and array.shape == np.shape(expected)
    except ValueError:  # rows of different lengths
        fits = False
    return "" if fits else f"it is to return {_thing(expected)}, and returned {_thing(value)}."


def _thing(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{len(value)} things"
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
        return f"an array of {value.dtype}"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if isinstance(value, bool | int | float | np.number | np.ndarray):
        return "a number"
    return f"a {type(value).__name__}"


def _raised(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is this file's
    where = f", in line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
    return f"it raised {type(error).__name__}: {error}{where}."


def _stop(thread: threading.Thread) -> None:
    """Raise `OutOfTime` in a thread at its next step in Python; one that is deep in C is left behind."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(OutOfTime))
