"""Dolan and Moré's properties, and the picture."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sofim_ref import plots
from sofim_ref.studies.race import PerformanceProfile, performance_profiles

COST = st.one_of(st.floats(1e-3, 1e6), st.just(0.0), st.just(math.inf))
COSTS = st.integers(1, 8).flatmap(
    lambda n: st.dictionaries(st.sampled_from("abcd"), st.lists(COST, min_size=n, max_size=n), min_size=1)
)


@given(COSTS, st.lists(st.floats(1, 1e8), min_size=2, max_size=6))
def test_a_profile_never_falls(costs, factors):
    for profile in performance_profiles(costs).values():
        shares = [profile.share(factor) for factor in sorted(factors)]
        assert shares == sorted(shares)
        assert 0 <= shares[0] <= shares[-1] <= profile.solved <= 1


@given(COSTS)
def test_at_1_it_is_the_share_of_problems_on_which_nobody_is_cheaper(costs):
    problems = np.asarray(list(costs.values()))
    for mine, profile in zip(problems, performance_profiles(costs).values(), strict=True):
        first = np.isfinite(mine) & (mine == problems.min(axis=0))
        assert profile.share(1) == pytest.approx(first.mean())


@given(COSTS)
def test_its_limit_is_the_share_solved(costs):
    for name, profile in performance_profiles(costs).items():
        solved = np.isfinite(costs[name]).mean()
        assert profile.solved <= solved + 1e-12
        if all(cost > 0 for row in costs.values() for cost in row):  # beside a cost of 0 no other is within a factor
            assert profile.solved == pytest.approx(solved)


def test_a_problem_that_nobody_solves_counts_as_failed_for_all():
    profiles = performance_profiles({"a": [math.inf, 1.0], "b": [math.inf, 3.0]})
    assert profiles["a"] == PerformanceProfile((math.inf, 1.0))
    assert profiles["a"].share(1e300) == profiles["a"].share(math.inf) == 0.5
    assert [profiles["b"].share(factor) for factor in (1, 2, 3)] == [0, 0, 0.5]


def test_the_unit_of_cost_changes_nothing():
    costs = {"a": [1.0, 4.0, math.inf], "b": [2.0, 2.0, 5.0]}
    scaled = {name: [1000 * cost for cost in mine] for name, mine in costs.items()}
    assert performance_profiles(costs) == performance_profiles(scaled)


def test_the_picture_begins_with_the_share_of_firsts_and_ends_with_the_share_solved():
    ratios = {"sofim": (1.0, 1.0, 3.0, math.inf), "mine": (2.0, math.inf, 1.0, math.inf)}
    figure = plots.performance_profiles({"epochs": ratios, "seconds": ratios}, title="message")
    axes = figure.axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["SOFIM (moment)", "mine"]
    for line, shares in zip(lines.values(), [(0.5, 0.75), (0.25, 0.5)], strict=True):
        x, y = line.get_xdata(), line.get_ydata()
        assert (x[0], y[0], y[-1]) == (1.0, *shares)
        assert line.get_drawstyle() == "steps-post"
    assert axes.get_xlabel() == "factor τ in epochs"
    assert axes.get_ylabel() == "share of problems solved within τ"


def test_the_picture_of_methods_that_solve_nothing_is_flat():
    figure = plots.performance_profiles({"epochs": {"sofim": (math.inf, math.inf)}}, title="message")
    assert set(figure.axes[0].lines[0].get_ydata()) == {0.0}
