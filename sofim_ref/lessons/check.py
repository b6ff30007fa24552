"""`check(exercise, answer)`: right, or the smallest numbers with which it is wrong, and what it looks like."""

from __future__ import annotations

import html
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from sofim_ref.arrays.validation import one_of
from sofim_ref.lessons.exercise import Exercise, Values
from sofim_ref.lessons.sandbox import LIMIT, Answered, ask

TRIED = 150
"""How many sets of numbers an answer is tried with."""


@dataclass(frozen=True)
class Verdict:
    """What a check found. A notebook shows it as a box, a terminal as text.

    Parameters
    ----------
    exercise : str
        The exercise's name.
    right : bool
    text : str
        What is said to the student.
    case : mapping or None
        The smallest arguments with which the answer is wrong.
    hint : str
        What usual mistake it looks like; empty if none that is known.
    """

    exercise: str
    right: bool
    text: str
    case: Values | None = None
    hint: str = ""

    def __repr__(self) -> str:
        """Return what is said, as text."""
        return self.text

    def _repr_html_(self) -> str:
        colour = "#009E73" if self.right else "#D55E00"
        body = html.escape(self.text).replace("\n", "<br>")
        return f'<div style="border-left: 5px solid {colour}; padding: .4em .8em">{body}</div>'


def check(exercise: str | Exercise, answer: Callable[..., Any], *, limit: float = LIMIT) -> Verdict:
    """Try a function against what is right, and say what came out. It never raises for what the function does.

    Parameters
    ----------
    exercise : str or Exercise
        The name of an exercise of the lessons, or one of your own.
    answer : callable
        The student's function, called by position with copies of its arguments.
    limit : float
        How many seconds a single call has.

    Returns
    -------
    Verdict
        When wrong, with the smallest arguments that show it: few entries, small whole numbers. What is right for them
        is said; how one comes to it isn't.

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> check("peak_step", lambda lr, rho: (rho, lr))
    Not yet. With lr = 1, rho = 1 your peak_step returns (1, 1); right is (1, 0.5).
    >>> check("peak_step", lambda lr, rho: (rho**0.5, lr / (2 * rho**0.5)))
    Right: peak_step holds for everything that was tried.
    """
    from sofim_ref.lessons.exercises import EXERCISES

    if isinstance(exercise, str):
        one_of("exercise", exercise, EXERCISES)
        exercise = EXERCISES[exercise]
    name = exercise.name
    if not callable(answer):
        return Verdict(name, right=False, text=f"Not yet. {name} is to be a function, and is {answer!r}.")
    case = _smallest(exercise, answer, limit)
    if case is None:
        return Verdict(name, right=True, text=f"Right: {name} holds for everything that was tried.")
    expected = exercise.reference(*case.values())
    given = ask(answer, case, expected=expected, limit=limit)
    hint = "" if given.trouble else _recognized(exercise, answer, limit)
    with_values = ", ".join(f"{argument} = {written(value)}" for argument, value in case.items())
    if given.trouble:
        text = f"Not yet. With {with_values}: {given.trouble}"
    else:
        text = f"Not yet. With {with_values} your {name} returns {written(given.value)}; right is {written(expected)}."
    return Verdict(name, right=False, text=f"{text}\n{hint}" if hint else text, case=case, hint=hint)


def agrees(given: Answered, expected: Any) -> bool:
    """Return whether an answer is right but for rounding."""
    if given.trouble:
        return False
    pairs = zip(given.value, expected, strict=True) if isinstance(expected, tuple) else [(given.value, expected)]
    return all(np.allclose(np.asarray(a, dtype=np.float64), b, rtol=1e-9, atol=1e-9, equal_nan=True) for a, b in pairs)


def written(value: Any) -> str:
    """Return numbers as one writes them: (1, 0.5), not array([1. , 0.5])."""
    if isinstance(value, tuple | list):
        return f"({', '.join(map(written, value))})"
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{float(array):.6g}" if array.dtype.kind in "biuf" else str(value)
    return f"({', '.join(written(part) for part in array)})"


class _Stuck(BaseException):
    """A call that didn't come back: not an Exception, so that the search ends at once and doesn't wait for more."""

    def __init__(self, case: Values) -> None:
        super().__init__()
        self.case = case


def _smallest(exercise: Exercise, answer: Callable[..., Any], limit: float) -> Values | None:
    """Return the smallest arguments that Hypothesis finds for which the answer is wrong; None if there are none."""

    def wrong(case: Values) -> bool:
        expected = exercise.reference(*case.values())
        given = ask(answer, case, expected=expected, limit=limit)
        if given.late:
            raise _Stuck(case)
        return not agrees(given, expected)

    tried = settings(
        max_examples=TRIED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    try:
        found: Values = find(exercise.cases, wrong, settings=tried, random=random.Random(0))  # noqa: S311  # no secret
    except NoSuchExample:
        return None
    except _Stuck as stuck:
        return stuck.case
    return found


def _recognized(exercise: Exercise, answer: Callable[..., Any], limit: float) -> str:
    """Return the hint of the first known mistake that gives the answer's numbers in every case; empty if none does."""
    cases = _some_cases(exercise)
    for mistake in exercise.mistakes:
        same = True
        for case in cases:
            expected = ask(mistake.answer, case, expected=exercise.reference(*case.values()), limit=limit)
            given = ask(answer, case, expected=exercise.reference(*case.values()), limit=limit)
            same = not given.trouble and not expected.trouble and agrees(given, expected.value)
            if not same:
                break
        if same:
            return mistake.hint
    return ""


def _some_cases(exercise: Exercise, number: int = 12) -> list[Values]:
    """Return some sets of arguments, the same at every call."""
    seen: list[Values] = []

    def note(case: Values) -> bool:
        seen.append(case)
        return False

    few = settings(max_examples=number, database=None, deadline=None, suppress_health_check=list(HealthCheck),
                   phases=(Phase.generate,))  # fmt: skip
    with suppress(NoSuchExample):
        find(exercise.cases, note, settings=few, random=random.Random(1))  # noqa: S311  # no secret
    return seen
