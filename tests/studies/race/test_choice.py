import math
from dataclasses import replace

import pytest
from tiny import result, setting

from sofim_ref.studies.race import Job
from sofim_ref.studies.race.choice import best, judged


def runs(*losses, trial=0, status="BUDGET_SPENT"):
    job = Job("sgd", {"lr": 0.1 * (trial + 1)}, 0, trial)
    return [replace(result(train_loss=curve), job=job, status=status) for curve in losses]


def test_a_trial_is_worth_its_mean_epochs_to_the_targets_with_twice_the_budget_where_it_came_to_none():
    chosen = setting()  # targets 0.3, 0.11, 0.01; two epochs
    trial = judged(chosen, runs((1.0, 0.2, 0.1), (1.0, 0.005, 0.5)))
    assert trial.epochs == pytest.approx((1 + 2 + 4 + 1 + 1 + 1) / 6)


def test_the_fastest_to_the_targets_wins_then_the_lower_loss_then_the_earlier_trial():
    slow, fast, lower, later = (
        judged(setting(), runs(curve, trial=number))
        for number, curve in enumerate([(1.0, 0.5, 0.2), (1.0, 0.2, 0.2), (1.0, 0.15, 0.15), (1.0, 0.15, 0.15)])
    )
    assert best([slow, fast]) is fast
    assert best([fast, lower]) is lower
    assert best([later, lower]) is lower


@pytest.mark.parametrize("status", ["DIVERGED", "SINGULAR", "FAILED"])
def test_a_trial_that_broke_off_on_one_seed_is_out(status):
    trial = judged(setting(), [*runs((1.0, 0.001)), *runs((1.0, 0.001), status=status)])
    assert trial.out
    assert math.isinf(trial.epochs)
    assert best([trial]) is None
