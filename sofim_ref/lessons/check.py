"""`check(exercise, answer)`: whether an answer is right; if not, its smallest counterexample and the likely mistake."""

from __future__ import annotations

import html
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.configuration import set_hypothesis_home_dir, storage_directory
from hypothesis.errors import NoSuchExample

from sofim_ref.arrays.validation import an_instance, one_of, positive
from sofim_ref.lessons.exercise import Exercise, Values
from sofim_ref.lessons.sandbox import LIMIT, Answered, ask

TRIED = 150
"""The number of random argument sets on which an answer is tested."""


@dataclass(frozen=True)
class Verdict:
    """The result of a check. A notebook shows it as a box, a terminal as text.

    Parameters
    ----------
    exercise : str
        The exercise's name.
    right : bool
        Whether the answer agreed with the reference on every argument set.
    text : str
        The message for the student.
    case : mapping or None
        The smallest counterexample found: argument names and values.
    hint : str
        The hint of the known mistake that the answer agrees with; empty if there is none.
    """

    exercise: str
    right: bool
    text: str
    case: Values | None = None
    hint: str = ""

    def __repr__(self) -> str:
        """Return the message."""
        return self.text

    def _repr_html_(self) -> str:
        colour = "#009E73" if self.right else "#D55E00"
        body = html.escape(self.text).replace("\n", "<br>")
        return f'<div style="border-left: 5px solid {colour}; padding: .4em .8em">{body}</div>'


def check(exercise: str | Exercise, answer: Callable[..., Any], *, limit: float = LIMIT) -> Verdict:
    """Test a student's function against the exercise's reference. Whatever the function does, nothing is raised.

    Parameters
    ----------
    exercise : str or Exercise
        The name of an exercise of the lessons, or one of your own.
    answer : callable
        The student's function, called by position with copies of its arguments.
    limit : float
        The time allowed for one call, in seconds.

    Returns
    -------
    Verdict
        For a wrong answer, with the smallest counterexample, of few entries and small whole numbers, and the right
        value for it, but not how that is computed.

    Raises
    ------
    TypeError, ValueError
        If there is no such exercise, or `limit` is not a number > 0.

    Examples
    --------
    >>> check("peak_step", lambda lr, rho: (rho, lr))
    Not yet. With lr = 1, rho = 1 your peak_step returns (1, 1); right is (1, 0.5).
    >>> check("peak_step", lambda lr, rho: (rho**0.5, lr / (2 * rho**0.5)))
    Right: peak_step agrees with the reference in every case tested.
    """
    from sofim_ref.lessons.exercises import EXERCISES

    if isinstance(exercise, str):
        one_of("exercise", exercise, EXERCISES)
        exercise = EXERCISES[exercise]
    an_instance("exercise", exercise, Exercise, "sofim_ref.lessons.Exercise makes one, or pass its name")
    positive("limit", limit)
    name = exercise.name
    if not callable(answer):
        return Verdict(name, right=False, text=f"Not yet. {name} is to be a function, and is {answer!r}.")
    case = _smallest(exercise, answer, limit)
    if case is None:
        return Verdict(name, right=True, text=f"Right: {name} agrees with the reference in every case tested.")
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
    """Return whether an answer equals the reference up to rounding."""
    if given.trouble:
        return False
    pairs = zip(given.value, expected, strict=True) if isinstance(expected, tuple) else [(given.value, expected)]
    return all(np.allclose(np.asarray(a, dtype=np.float64), b, rtol=1e-9, atol=1e-9, equal_nan=True) for a, b in pairs)


def written(value: Any) -> str:
    """Return numbers as they are written by hand: (1, 0.5), not array([1. , 0.5])."""
    if isinstance(value, tuple | list):
        return f"({', '.join(map(written, value))})"
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{float(array):.6g}" if array.dtype.kind in "biuf" else str(value)
    return f"({', '.join(written(part) for part in array)})"


class _Stuck(BaseException):
    """A call exceeded its time: not an Exception, so that the search ends at once instead of waiting for more."""

    def __init__(self, case: Values) -> None:
        super().__init__()
        self.case = case


def _smallest(exercise: Exercise, answer: Callable[..., Any], limit: float) -> Values | None:
    """Return the smallest counterexample that Hypothesis finds; None if there is none."""

    def wrong(case: Values) -> bool:
        expected = exercise.reference(*case.values())
        given = ask(answer, case, expected=expected, limit=limit)
        if given.late:
            raise _Stuck(case)
        return not agrees(given, expected)

    try:
        return _search(exercise, wrong, number=TRIED, seed=0, phases=(Phase.generate, Phase.shrink))
    except NoSuchExample:
        return None
    except _Stuck as stuck:
        return stuck.case


def _search(
    exercise: Exercise, wanted: Callable[[Values], bool], *, number: int, seed: int, phases: tuple[Phase, ...]
) -> Values:
    """Return arguments that satisfy a condition; no folder of Hypothesis's is left behind."""
    usual = storage_directory(intent_to_write=False).path
    drawn = settings(
        max_examples=number, phases=phases, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    with TemporaryDirectory() as elsewhere:
        set_hypothesis_home_dir(elsewhere)
        try:
            return find(exercise.cases, wanted, settings=drawn, random=random.Random(seed))  # noqa: S311  # no secret
        finally:
            set_hypothesis_home_dir(usual)


def _recognized(exercise: Exercise, answer: Callable[..., Any], limit: float) -> str:
    """Return the hint of the first known mistake that agrees with the answer in every case; empty if none does."""
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
    """Return a fixed sample of argument sets."""
    seen: list[Values] = []

    def note(case: Values) -> bool:
        seen.append(case)
        return False

    with suppress(NoSuchExample):
        _search(exercise, note, number=number, seed=1, phases=(Phase.generate,))
    return seen
