"""Every exercise takes the right answer, tells each known mistake from it, and says which it is."""

import inspect
import itertools

import numpy as np
import pytest

from sofim_ref import lessons
from sofim_ref.lessons import EXERCISES, check
from sofim_ref.lessons.exercises import LESSONS

NAMED = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.name)
MISTAKES = [
    pytest.param(exercise, i, id=f"{exercise.name}-{i}")
    for exercise in EXERCISES.values()
    for i in range(len(exercise.mistakes))
]


def test_there_are_twenty_or_more_and_no_two_of_one_name():
    assert len(EXERCISES) == sum(len(lesson.EXERCISES) for lesson in LESSONS) >= 20
    assert all(2 <= len(lesson.EXERCISES) <= 4 for lesson in LESSONS)


@NAMED
def test_the_right_answer_is_right(exercise):
    verdict = check(exercise.name, exercise.reference)
    assert verdict.right, verdict
    assert verdict.case is None


@NAMED
def test_three_mistakes_are_known_and_the_task_names_every_argument(exercise):
    assert len(exercise.mistakes) >= 3
    signature = f"{exercise.name}({', '.join(exercise.arguments)})"
    assert exercise.task.startswith(signature)
    assert list(inspect.signature(exercise.reference).parameters) == list(exercise.arguments) or "*" in str(
        inspect.signature(exercise.reference)
    )


@pytest.mark.parametrize(("exercise", "i"), MISTAKES)
def test_a_known_mistake_is_told_from_the_right_answer_by_numbers_one_can_reckon_with(exercise, i):
    mistake = exercise.mistakes[i]
    verdict = check(exercise.name, mistake.answer)
    assert not verdict.right
    assert verdict.hint == mistake.hint  # and from every other mistake before it
    assert mistake.hint in verdict.text
    for value in verdict.case.values():
        entries = np.asarray(value, dtype=float)
        assert entries.size <= 6
        seen = entries[np.isfinite(entries)]
        assert (np.abs(seen) <= 8).all()
        assert np.allclose(seen * 40, np.round(seen * 40))  # halves, quarters, tenths


@NAMED
def test_no_two_mistakes_have_one_hint(exercise):
    assert len({mistake.hint for mistake in exercise.mistakes}) == len(exercise.mistakes)


@NAMED
def test_what_is_said_never_holds_the_solution(exercise):
    source = inspect.getsource(exercise.reference)
    body = source.split("return")[-1].strip() if "return" in source else source.split(":", 1)[-1].strip()
    said = [exercise.task, *(mistake.hint for mistake in exercise.mistakes), check(exercise.name, len).text]
    assert all(body.splitlines()[0].rstrip(",") not in text for text in said)


def test_the_names_of_the_package_are_there():
    assert all(hasattr(lessons, name) for name in lessons.__all__)
    pairs = itertools.combinations(EXERCISES.values(), 2)
    assert all(one.task != other.task for one, other in pairs)
