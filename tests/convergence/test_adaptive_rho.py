"""What is said of a ρ that adapts, and of a fixed one, under a rescaled loss."""

import numpy as np
import pytest

from sofim_ref.convergence.experiments import adaptive_rho, best_settings
from sofim_ref.convergence.experiments.adaptive_rho import RULES
from sofim_ref.datasets import load
from sofim_ref.optimizers import SOFIM
from sofim_ref.problems import Quadratic
from sofim_ref.training.minimize import minimize

FIXED, MOMENT, ROOT, RATIO, RADIUS = RULES
QUADRATIC = Quadratic(np.diag([1.0, 4.0]), np.ones(2))
LEAST = float(QUADRATIC.value(QUADRATIC.optimum()))


def test_the_best_settings_are_those_with_the_fewest_steps():
    grid = {"rates": (0.01, 1.0), "numbers": (1.0, 10.0), "budget": 60, "share": 0.1}
    best = best_settings(QUADRATIC, LEAST, **grid)
    assert best.keys() == RULES.keys()
    for lr in grid["rates"]:
        for c in grid["numbers"]:
            steps = [
                adaptive_rho(QUADRATIC, LEAST, {FIXED: pair}, scales=(1.0,), budget=60, share=0.1).steps[FIXED][0]
                for pair in ((lr, c), best[FIXED])
            ]
            assert steps[1] <= steps[0]


def test_a_run_ends_where_the_gap_is_the_share_and_is_infinite_where_the_budget_is_spent():
    found = adaptive_rho(QUADRATIC, LEAST, {FIXED: (1.0, 10.0)}, scales=(1e-3, 1.0), share=0.5, budget=50)
    assert np.isinf(found.steps[FIXED][0])
    assert 1 < found.steps[FIXED][1] < 50
    assert found.scales.tolist() == [1e-3, 1.0]


def found(name, settings):
    problem = load(name).train
    return adaptive_rho(problem, float(problem.value(problem.optimum())), settings).steps


def arrives(steps):
    return np.isfinite(steps).tolist()


@pytest.mark.slow
def test_on_breast_cancer_the_ratio_and_the_radius_bear_every_scale_and_a_fixed_rho_two():
    settings = {FIXED: (1.0, 0.01), ROOT: (1.0, 0.01), RATIO: (10.0, 10.0), RADIUS: (100.0, 1.0)}
    steps = found("breast-cancer", settings)
    assert arrives(steps[FIXED]) == [False, False, True, True, False, False, False]
    assert steps[FIXED][2:4].tolist() == pytest.approx([160, 90], abs=1)
    assert arrives(steps[ROOT]) == 4 * [True] + 3 * [False]
    assert steps[ROOT][3] == pytest.approx(87, abs=1)
    for rule, most in ((RATIO, 139), (RADIUS, 84)):
        assert steps[rule].min() == steps[rule][3] == pytest.approx(62, abs=1)
        assert steps[rule].max() == pytest.approx(most, abs=2)


@pytest.mark.slow
def test_on_diabetes_a_fixed_rho_is_ahead_at_the_scale_that_it_was_chosen_for_alone():
    steps = found("diabetes", {FIXED: (10.0, 10.0), RATIO: (1.0, 1.0), RADIUS: (0.1, 100.0)})
    assert arrives(steps[FIXED]) == [False, False, True, True, False, False, False]
    assert [steps[rule][3] for rule in (FIXED, RATIO, RADIUS)] == pytest.approx([47, 69, 70], abs=1)
    assert steps[RATIO].min() == steps[RATIO][3]
    assert steps[RATIO].max() == pytest.approx(359, abs=4)
    assert arrives(steps[RADIUS]) == 6 * [True] + [False]


@pytest.mark.slow
def test_the_squared_moment_with_a_constant_rate_does_not_arrive():
    problem = load("breast-cancer").train
    optimal = float(problem.value(problem.optimum()))
    for lr in 10.0 ** np.arange(-4, 4):  # c only divides η by 1 + c
        for c in (1e-3, 100.0):
            steps = adaptive_rho(problem, optimal, {MOMENT: (float(lr), c)}, scales=(1.0,)).steps[MOMENT]
            assert np.isinf(steps).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fixed", "ratio", "said"),
    [("breast-cancer", (1.0, 0.01), (10.0, 10.0), (90, 103)), ("diabetes", (10.0, 10.0), (1.0, 1.0), (47, 115))],
)
def test_in_gradient_evaluations_a_fixed_rho_is_cheaper_at_its_scale(name, fixed, ratio, said):
    problem = load(name).train
    optimal, start = float(problem.value(problem.optimum())), float(problem.value(problem.initial_point()))
    level = optimal + 1e-3 * (start - optimal)
    for rule, (lr, number), expected in ((FIXED, fixed, said[0]), (RATIO, ratio, said[1])):
        optimizer = SOFIM(lr, RULES[rule](number))
        trace = minimize(problem, optimizer, steps=400, callbacks=[lambda record, _: record.loss <= level])
        assert trace["gradient_evaluations"][-1] == pytest.approx(expected, abs=2)


@pytest.mark.slow
def test_a_finer_grid_has_a_fixed_rho_with_77_steps_on_breast_cancer():
    problem = load("breast-cancer").train
    rho = 10**-1.5
    optimal = float(problem.value(problem.optimum()))
    found = adaptive_rho(problem, optimal, {FIXED: (60 * rho, rho)}, scales=(1.0,))
    assert found.steps[FIXED][0] == pytest.approx(77, abs=1)
