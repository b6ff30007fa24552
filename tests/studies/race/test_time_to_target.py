import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import result

from sofim_ref.studies.race import Spread, cost_to, quantile
from sofim_ref.studies.race.tables import cell
from sofim_ref.studies.race.time_to_target import best_so_far


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


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12), st.sampled_from([0.25, 0.5, 0.75]))
def test_quantiles_of_finite_numbers_are_numpy_s(values, share):
    assert quantile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-12, abs=1e-300)


@given(st.lists(st.floats(1, 100), min_size=1, max_size=9), st.integers(0, 9))
def test_a_median_is_reached_only_where_more_than_half_of_the_seeds_are(reached, missed):
    spread = Spread((*reached, *[math.inf] * missed))
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
    ],
)
def test_not_reached_is_kept_apart(values, text):
    assert cell(Spread(values)) == text
