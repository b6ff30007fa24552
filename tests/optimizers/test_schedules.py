"""Learning rates that change."""

import math
import pickle

import pytest

from sofim_ref.optimizers import SGD, Constant, Cosine, StepDecay, WarmUp


def test_the_cosine_is_the_formula_and_never_zero():
    schedule = Cosine(2.0, steps=10, lowest=0.5)
    for t in range(10):
        assert schedule(t) == pytest.approx(0.5 + 0.75 * (1 + math.cos(math.pi * t / 10)))
    assert Cosine(1.0, steps=5)(10_000) > 0


def test_a_warm_up_climbs_to_its_schedule():
    schedule = WarmUp(StepDecay(1.0, every=3, factor=0.1), steps=2)
    assert [schedule(t) for t in range(5)] == pytest.approx([0.5, 1.0, 1.0, 0.1, 0.1])


@pytest.mark.parametrize("schedule", [Constant(0.1), Cosine(0.1, 9), StepDecay(0.1, 3), WarmUp(Constant(0.1), 4)])
def test_a_schedule_is_a_learning_rate_that_travels_between_processes(schedule):
    optimizer = pickle.loads(pickle.dumps(SGD(lr=schedule)))
    assert optimizer == SGD(lr=schedule)
    assert all(optimizer.lr(t) > 0 for t in range(20))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(0.0), r"lr must be a finite number > 0, got 0\.0"),
        (lambda: Cosine(0.1, 0), r"steps must be an integer >= 1, got 0"),
        (lambda: Cosine(0.1, 5, lowest=-1.0), r"lowest must be a finite number >= 0, got -1\.0"),
        (lambda: StepDecay(0.1, every=0), r"every must be an integer >= 1, got 0"),
        (lambda: StepDecay(0.1, every=1, factor=0.0), r"factor must be a finite number > 0, got 0\.0"),
        (lambda: WarmUp(0.1, steps=3), r"schedule must be callable, Constant\(0\.1\) say, got 0\.1"),
        (lambda: WarmUp(Constant(0.1), steps=0), r"steps must be an integer >= 1, got 0"),
    ],
)
def test_what_is_out_of_range_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
