"""No systematic variant of a solution passes its check, unless it is named with the reason why it is equal."""

import copy

import numpy as np
import pytest

from sofim_ref.lessons import EXERCISES
from sofim_ref.lessons.check import _cases, _references
from sofim_ref.lessons.comparison import agree
from tests.lessons.equal_mutants import EQUAL, NEVER_NEGATIVE, SYMMETRIC
from tests.lessons.mutants import mutants

NAMED = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.name)


def outcome(exercise, function):
    """What the check makes of a function, and whether it returned anything at all."""
    with np.errstate(all="ignore"):
        for case, expected in zip(_cases(exercise), _references(exercise), strict=True):
            try:
                value = function(*copy.deepcopy(case).values())
            except Exception:
                return "raises"
            if not agree(value, expected):
                return "refused"
    return "accepted"


@NAMED
@pytest.mark.filterwarnings("ignore")  # what a mutant divides by
def test_every_mutant_is_refused(exercise):
    name = exercise.name
    found = list(mutants(exercise.reference, NEVER_NEGATIVE.get(name, ()), SYMMETRIC.get(name, ())))
    outcomes = [outcome(exercise, mutant.function) for mutant in found]
    assert outcomes.count("refused") >= 30
    accepted = {mutant.change for mutant, what in zip(found, outcomes, strict=True) if what == "accepted"}
    assert accepted == set(EQUAL.get(name, ()))


def test_what_is_named_is_an_exercise():
    assert {*EQUAL, *NEVER_NEGATIVE, *SYMMETRIC} <= set(EXERCISES)


def twice_the_mean(x, n):
    return np.mean(x[1:]) * 2 if n else -x.T


def test_mutants_are_what_one_expects_and_the_function_is_left_as_it_was():
    changes = [mutant.change for mutant in mutants(twice_the_mean)]
    expected = ("np.mean(x[1:]) → np.median(x[1:])", "n → x", "1 → 0", "x.T → x", "-x.T → x.T", "n → 1", "2 → 3")
    assert set(expected) <= set(changes)
    assert len(changes) >= 30
    assert twice_the_mean(np.ones(3), 1) == 2
