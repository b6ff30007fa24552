"""`check(exercise, answer)`: whether an answer is right; if not, its smallest counterexample and the likely mistake."""

from __future__ import annotations

import dis
import functools
import html
import inspect
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.configuration import set_hypothesis_home_dir, storage_directory
from hypothesis.errors import NoSuchExample

from sofim_ref.arrays.validation import an_instance, one_of, positive
from sofim_ref.lessons.comparison import agree, unlike, written, written_apart
from sofim_ref.lessons.exercise import Exercise, Large, Values
from sofim_ref.lessons.sandbox import LIMIT, Answered, ask, memory

TRIED = 100
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
    late : bool
        Whether a call exceeded its time.
    """

    exercise: str
    right: bool
    text: str
    case: Values | None = None
    hint: str = ""
    late: bool = False

    def __repr__(self) -> str:
        """Return the message."""
        return self.text

    def _repr_html_(self) -> str:
        colour = "#009E73" if self.right else "#D55E00"
        body = html.escape(self.text).replace("\n", "<br>")
        return f'<div style="border-left: 5px solid {colour}; padding: .4em .8em">{body}</div>'


def check(
    exercise: str | Exercise, answer: Callable[..., Any], *, limit: float = LIMIT, smallest: bool = True
) -> Verdict:
    """Test a student's function against the exercise's reference. Whatever the function does, nothing is raised.

    Parameters
    ----------
    exercise : str or Exercise
        The name of an exercise of the lessons, or one of your own.
    answer : callable
        The student's function, called by position with copies of its arguments.
    limit : float
        The time allowed for one call, in seconds.
    smallest : bool
        Whether to search for the smallest counterexample, or to be content with the simplest of those tried.

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
    if is_blank(answer):
        return Verdict(name, right=False, text=f"Nothing is written yet: what does {name} return?")
    outcomes = ask(answer, _cases(exercise), limit=limit)
    wrong = _first_wrong(exercise, outcomes)
    if wrong is not None:
        hint = _recognized(exercise, outcomes)
        late = outcomes[-1].late
        case = (_smallest(exercise, answer, limit) if smallest and not late else None) or wrong
        text = f"Not yet. {_shown(exercise, answer, case, limit, outcomes[-1] if late else None)}"
        return Verdict(name, right=False, text=f"{text}\n{hint}" if hint else text, case=case, hint=hint, late=late)
    if exercise.large is not None and (refused := _refused_at_large(exercise, exercise.large, answer, limit)):
        return refused
    return Verdict(name, right=True, text=f"Right: {name} agrees with the reference in every case tested.")


def is_blank(answer: Callable[..., Any]) -> bool:
    """Return whether a function has an empty body, as an exercise's blank has."""
    return inspect.isfunction(answer) and _instructions(answer) == _instructions(_blank)


def _blank() -> None: ...


def _instructions(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return [(instruction.opname, instruction.argval) for instruction in dis.get_instructions(function)]


def _shown(
    exercise: Exercise, answer: Callable[..., Any], case: Values, limit: float, given: Answered | None = None
) -> str:
    """Return what an answer does on an argument set, and what would be right; it is called unless that is given."""
    given, expected = given or ask(answer, [case], limit=limit)[0], _expected(exercise, case)
    said = f"With {', '.join(f'{argument} = {written(value)}' for argument, value in case.items())}"
    if trouble := given.trouble or unlike(given.value, expected):
        return f"{said}: {trouble}"
    one, other = written_apart(given.value, expected)
    return f"{said} your {exercise.name} returns {one}; right is {other}."


def _refused_at_large(exercise: Exercise, large: Large, answer: Callable[..., Any], limit: float) -> Verdict | None:
    """Return what is said of an answer that is wrong for large arguments, or holds too much memory; None if neither."""
    case = large.values()
    given, expected = ask(answer, [case], limit=limit)[0], _expected(exercise, case)
    if _wrong(given, expected):
        sizes = ", ".join(f"{name} of shape {np.shape(value)}" for name, value in case.items() if np.ndim(value))
        trouble = given.trouble or unlike(given.value, expected)
        text = f"Not yet. With {sizes}: {trouble or 'the values are wrong. What holds for small ones only?'}"
        return Verdict(exercise.name, right=False, text=text, late=given.late)
    if memory(answer, case, limit=limit) > large.memory:
        return Verdict(exercise.name, right=False, text=f"Not yet: {large.refusal}", hint=large.refusal)
    return None


def _expected(exercise: Exercise, case: Values) -> Any:
    with np.errstate(all="ignore"):
        return exercise.reference(*case.values())


def _wrong(given: Answered, expected: Any) -> bool:
    return bool(given.trouble) or not agree(given.value, expected)


def _first_wrong(exercise: Exercise, outcomes: Sequence[Answered]) -> Values | None:
    """Return the first argument set, simplest first, on which an answer is wrong; None if there is none."""
    for case, given, expected in zip(_cases(exercise), outcomes, _references(exercise), strict=False):
        if _wrong(given, expected):
            return case
    return None


def _smallest(exercise: Exercise, answer: Callable[..., Any], limit: float) -> Values | None:
    """Return the smallest counterexample that Hypothesis finds; None if it finds none."""

    def wrong(case: Values) -> bool:
        return _wrong(ask(answer, [case], limit=limit)[0], _expected(exercise, case))

    with suppress(NoSuchExample):
        return _search(exercise, wrong, phases=(Phase.generate, Phase.shrink))
    return None


def _recognized(exercise: Exercise, outcomes: Sequence[Answered]) -> str:
    """Return the hint of the first known mistake that agrees with an answer in every case; empty if none does."""
    for mistake, others in zip(exercise.mistakes, _mistaken(exercise), strict=True):
        if len(outcomes) == len(others) and all(map(_alike, outcomes, others)):
            return mistake.hint
    return ""


def _alike(one: Answered, other: Answered) -> bool:
    if one.trouble or other.trouble:  # a mistake may raise for some sizes
        return bool(one.trouble and other.trouble)
    return agree(one.value, other.value)


@functools.cache
def _cases(exercise: Exercise) -> list[Values]:
    """Return the argument sets on which an answer is tested, simplest first; the same in every process."""
    seen: list[Values] = []

    def note(case: Values) -> bool:
        seen.append(case)
        return False

    with suppress(NoSuchExample):
        _search(exercise, note, phases=(Phase.generate,))
    return sorted(seen, key=_complexity)


@functools.cache
def _references(exercise: Exercise) -> list[Any]:
    return [_expected(exercise, case) for case in _cases(exercise)]


@functools.cache
def _mistaken(exercise: Exercise) -> list[list[Answered]]:
    return [ask(mistake.answer, _cases(exercise)) for mistake in exercise.mistakes]


def _complexity(case: Values) -> float:
    """Return how hard an argument set is to reckon with: many entries, large ones, negative ones, fractions."""
    entries = np.concatenate([np.ravel(np.asarray(value, dtype=np.float64)) for value in case.values()])
    size = np.where(np.isfinite(entries), np.abs(entries), 10.0)
    return float(2 * len(entries) + size.sum() + np.sum(entries < 0) / 2 + 2 * np.sum(size % 1 != 0))


def _search(exercise: Exercise, wanted: Callable[[Values], bool], *, phases: tuple[Phase, ...]) -> Values:
    """Return arguments that satisfy a condition; no folder of Hypothesis's is left behind."""
    usual = storage_directory(intent_to_write=False).path
    drawn = settings(
        max_examples=TRIED, phases=phases, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    with TemporaryDirectory() as elsewhere:
        set_hypothesis_home_dir(elsewhere)
        try:
            return find(exercise.cases, wanted, settings=drawn, random=random.Random(0))  # noqa: S311  # no secret
        finally:
            set_hypothesis_home_dir(usual)
