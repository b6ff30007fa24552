"""Calling a student's function safely: on copies of its arguments, with a time limit, whatever it returns or raises."""

from __future__ import annotations

import copy
import ctypes
import sys
import threading
import traceback
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from sofim_ref.lessons.exercise import Values

LIMIT = 2.0
"""The time allowed for one call, in seconds."""


ANSWER = "a student's answer"
"""The name of the thread in which an answer runs."""
_LIBRARY, _LESSONS = "sofim_ref.", "sofim_ref.lessons"


class OutOfTime(BaseException):
    """Raised in a function that exceeds its time; not an Exception, so that `except Exception` doesn't catch it."""


class Reported(Exception):  # noqa: N818  # what another process reports of an answer that it called
    """Raised by an answer that runs elsewhere, with the sentence that says why it has no value."""


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
        Seconds for each call, imports not counted.

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
                outcome = call(function, case)
            except OutOfTime:
                return
            if stopped.is_set():
                return
            outcomes.append(outcome)

    thread = threading.Thread(target=run, name=ANSWER, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread.start()
        done = -1
        while thread.is_alive() and (done < len(outcomes) or _imports(thread)):
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

    Notes
    -----
    An answer that runs in another process measures itself there, by a method ``memory`` of its own.
    """
    if hasattr(function, "memory"):
        return int(function.memory(case))
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


def call(function: Callable[..., Any], case: Values) -> Answered:
    """Call a function on copies of its arguments, here and now; it must leave them as they are.

    An answer is to be written, so that one that calls the library has no value. The functions that run are watched,
    whichever way they were imported; those of the lessons themselves may run.
    """
    given, called, before_it = copy.deepcopy(dict(case)), list[str](), sys.getprofile()

    def watch(frame: FrameType, event: str, _argument: object) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        if event == "call" and module.startswith(_LIBRARY) and not module.startswith(_LESSONS):
            called.append(module)
            sys.setprofile(before_it)

    try:
        sys.setprofile(watch)
        with np.errstate(all="ignore"):
            value = function(*given.values())
    except OutOfTime:
        raise
    except Reported as report:
        return Answered(None, str(report))
    except BaseException as error:  # noqa: BLE001  # whatever a student's code raises is reported
        return Answered(None, _raised(error, function))
    finally:
        sys.setprofile(before_it)
    if called:
        return Answered(None, f"it calls the library, in {called[0]}: write it yourself, with NumPy alone.")
    for name, before in case.items():
        if not np.array_equal(np.asarray(before), np.asarray(given[name]), equal_nan=True):
            return Answered(None, f"it changed its argument {name}: work on a copy, since the caller still needs it.")
    return Answered(value)


def _raised(error: BaseException, function: Callable[..., Any]) -> str:
    """Return what was raised, and in which line of the file or cell in which the function stands."""
    place = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [
        (frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == place
    ]
    where = f", in line {lines[-1][1]} of {lines[-1][0].f_code.co_name}" if lines else ""
    return f"it raised {type(error).__name__}: {error}{where}."


def _imports(thread: threading.Thread) -> bool:
    """Return whether a thread is importing a module: if that is broken off, later imports wait for ever."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001  # the only way to see another thread's
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _stop(thread: threading.Thread) -> None:
    """Raise `OutOfTime` in a thread at its next step in Python, again if it is caught; one deep in C is left behind."""
    for _ in range(20):
        if thread.ident is None or not thread.is_alive():
            return
        if not _imports(thread):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(OutOfTime))
        thread.join(0.01)
