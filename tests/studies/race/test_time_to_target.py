import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import entry, result

from sofim_ref.studies.race import Spread, cost_to, quantile
from sofim_ref.studies.race.tables import cell
from sofim_ref.studies.race.time_to_target import at_the_end, best_so_far

COSTS = ("epochs", "gradient evaluations", "seconds")
CRITERIA = ("train loss", "test loss", "score")


def test_the_cost_is_what_was_spent_at_the_first_measurement_there_or_beyond():
    run = result(train_loss=(3.0, 2.0, math.nan, 1.0, 2.0), epochs=(0.0, 0.5, 1.0, 1.5, 2.0))
    assert cost_to(run, "train loss", 2.0, "epochs") == 0.5
    assert cost_to(run, "train loss", 1.5, "epochs") == 1.5
    assert cost_to(run, "train loss", 0.5, "epochs") == math.inf
    assert cost_to(run, "train loss", 5.0, "epochs") == 0.0


def test_a_score_is_to_rise():
    run = result(score=(0.1, 0.9, 0.5))
    assert cost_to(run, "score", 0.9, "seconds") == 1
    assert cost_to(run, "score", 0.95, "seconds") == math.inf


def test_the_best_so_far_meets_a_target_when_the_cost_says():
    run = result(train_loss=(3.0, math.nan, 1.0, 2.0), score=(math.nan, 0.5, 0.2, 0.7))
    assert best_so_far(run, "train loss") == [3.0, 3.0, 1.0, 1.0]
    assert best_so_far(run, "score") == [-math.inf, 0.5, 0.5, 0.7]


@pytest.mark.parametrize("status", ["DIVERGED", "SINGULAR", "FAILED"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_failed_run_is_the_worst_on_every_criterion(status, criterion):
    """Whichever direction is good, a failed run that was ahead ranks behind a finished one that got nowhere."""
    ahead, behind = (1.0, 0.99), (0.0, 0.01)
    if criterion != "score":
        ahead, behind = behind, ahead
    curve = criterion.replace(" ", "_")
    failed, finished = result(status=status, **{curve: ahead}), result(**{curve: behind})
    assert cost_to(failed, criterion, 0.5, "epochs") == math.inf
    if criterion == "score":
        assert at_the_end(failed, criterion) == -math.inf < at_the_end(finished, criterion)
    else:
        assert at_the_end(failed, criterion) == math.inf > at_the_end(finished, criterion)


def test_the_median_score_of_failed_runs_is_not_the_best():
    failed, poor = result(status="DIVERGED", score=(0.0, 0.9)), result(score=(0.0, 0.2))
    assert entry(failed, failed, poor).ends("score").median == -math.inf
    assert entry(failed, poor, poor).ends("score").median == 0.2
    assert entry(failed, poor, poor).ends("score").lower == -math.inf
    assert entry(failed, poor, poor).ends("score").reached == 2


def test_a_quantile_next_to_an_infinite_value_is_that_value():
    assert quantile([-math.inf, 0.5], 0.75) == -math.inf
    assert quantile([-math.inf, -math.inf, 0.5], 0.5) == -math.inf
    assert quantile([0.5, math.inf], 0.25) == math.inf
    assert quantile([-math.inf, 0.5, 0.6], 0.5) == 0.5


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12), st.sampled_from([0.25, 0.5, 0.75]))
def test_quantiles_of_finite_numbers_are_numpy_s(values, share):
    assert quantile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-12, abs=1e-300)


@given(st.lists(st.floats(1, 100), min_size=1, max_size=9), st.integers(0, 9), st.sampled_from([1, -1]))
def test_a_median_is_finite_only_where_more_than_half_of_the_seeds_are(reached, missed, sign):
    spread = Spread((*reached, *[sign * math.inf] * missed))
    assert math.isfinite(spread.median) == (len(reached) > missed)
    assert spread.reached == len(reached)
    assert spread.lower <= spread.median <= spread.upper


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((1.0, 2.0, 3.0, 4.0, 5.0), "3 (2–4)"),
        ((1.0, 2.0, 3.0, 4.0, math.inf), "3 (2–4) 4/5"),
        ((1.0, 2.0, 3.0, math.inf, math.inf), "3 (2–∞) 3/5"),
        ((1.0, 2.0, math.inf, math.inf, math.inf), "not reached 2/5"),
        ((1.0, math.inf), "not reached 1/2"),
        ((math.inf,) * 5, "not reached"),
        ((0.5, 0.6, -math.inf), "0.5 (−∞–0.55) 2/3"),
    ],
)
def test_not_reached_is_kept_apart(values, text):
    assert cell(Spread(values)) == text
