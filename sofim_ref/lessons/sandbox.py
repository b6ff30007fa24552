"""Calling a student's function safely: on copies of its arguments, with a time limit, whatever it returns or raises."""

from __future__ import annotations

import copy
import ctypes
import threading
import traceback
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
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
        Why there is no value, in a sentence; empty if there is one.
    late : bool
        Whether the call exceeded its time.
    """

    value: Any
    trouble: str = ""
    late: bool = False


def ask(function: Callable[..., Any], cases: Sequence[Values], *, limit: float = LIMIT) -> list[Answered]:
    """Call a function on copies of each argument set, in a thread of its own; the first that is late ends it.

    Parameters
    ----------
    function : callable
    cases : sequence of mapping
        Argument names and values, passed in this order, by position.
    limit : float
        Seconds for each call.

    Returns
    -------
    list of Answered
        One for each argument set, up to the first that is late.
    """
    outcomes: list[Answered] = []
    stopped = threading.Event()

    def run() -> None:
        for case in cases:
            try:
                outcome = _call(function, case)
            except OutOfTime:
                return
            if stopped.is_set():
                return
            outcomes.append(outcome)

    thread = threading.Thread(target=run, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread.start()
        done = -1
        while thread.is_alive() and done < len(outcomes):
            done = len(outcomes)
            thread.join(limit)
    if thread.is_alive():
        stopped.set()
        _stop(thread)
        late = f"it has not returned after {limit:g} seconds: a loop that never ends?"
        return [*outcomes[:done], Answered(None, late, late=True)]
    return outcomes


def memory(function: Callable[..., Any], case: Values, *, limit: float = LIMIT) -> int:
    """Return the most bytes that a function's arrays fill at one time, copies of its arguments included.

    Parameters
    ----------
    function : callable
    case : mapping
        Argument names and values.
    limit : float
        Seconds; a function that exceeds them is measured up to there.
    """
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        ask(function, [case], limit=limit)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()


def _call(function: Callable[..., Any], case: Values) -> Answered:
    given = copy.deepcopy(dict(case))
    try:
        with np.errstate(all="ignore"):
            value = function(*given.values())
    except OutOfTime:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a student's code raises is reported
        return Answered(None, _raised(error))
    for name, before in case.items():
        if not np.array_equal(np.asarray(before), np.asarray(given[name]), equal_nan=True):
            return Answered(None, f"it changed its argument {name}: work on a copy, since the caller still needs it.")
    return Answered(value)


def _raised(error: BaseException) -> str:
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)  # the first is this file's
    where = "" if frame.f_code is _call.__code__ else f", in line {line} of {frame.f_code.co_name}"
    return f"it raised {type(error).__name__}: {error}{where}."


def _stop(thread: threading.Thread) -> None:
    """Raise `OutOfTime` in a thread at its next step in Python; one that is deep in C is left behind."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(OutOfTime))
