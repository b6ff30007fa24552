import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_close, host
from test_bound import logistic, softmax

import sofim_ref as sr
from sofim_ref import curvature
from sofim_ref.convergence import grade, replay
from sofim_ref.problems import LeastSquares, LogisticRegression, Quadratic

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS)
def test_no_direction_does_better_than_the_natural_gradient(seed):
    rng = np.random.default_rng(seed)
    problem = logistic(rng, 3, 0.0)
    oracle = problem.oracle(rng.standard_normal(3))
    F, g = curvature.fisher(oracle).to_dense(), oracle.gradient()
    natural = np.linalg.solve(F, g)
    best = grade(natural, oracle)
    assert best == pytest.approx(1 / np.sqrt(g @ natural), rel=1e-8)
    p = rng.standard_normal(3)
    p *= np.sign(p @ g)
    assert grade(p, oracle) >= best * (1 - 1e-8)
    cancellation = 1e-14 * np.linalg.norm(p) * np.linalg.norm(g) / (p @ g)
    assert grade(3 * p, oracle) == pytest.approx(grade(p, oracle), rel=1e-12 + cancellation)
    assert np.isposinf(grade(-p, oracle))


def test_it_is_the_formula(xp):
    rng = np.random.default_rng(0)
    X, y, w, p = rng.standard_normal((8, 2)), np.arange(8) % 2, rng.standard_normal(3), rng.standard_normal(3)
    oracle = LogisticRegression(xp.asarray(X), xp.asarray(y), l2=0.1).oracle(xp.asarray(w))
    F, g = host(curvature.fisher(oracle).to_dense()), host(oracle.gradient())
    p *= np.sign(p @ g)
    assert_close(grade(xp.asarray(p), oracle), np.sqrt(p @ F @ p) / (p @ g), within=1e3 * xp.eps())
    assert np.isposinf(host(grade(xp.asarray(-p), oracle)))


def test_a_direction_along_which_no_prediction_moves_has_the_grade_0():
    rng = np.random.default_rng(0)
    problem = softmax(rng, 2, 0.1)
    for seed in range(50):
        oracle = problem.oracle(10 * np.random.default_rng(seed).standard_normal(6))
        common = np.repeat(rng.standard_normal(2), 3)  # the same number to every class: softmax doesn't see it
        common *= np.sign(common @ oracle.gradient())  # l2 alone falls along it
        assert 0 <= grade(common, oracle) < 1e-6


@pytest.mark.parametrize("length", [1e-310, 1e-300, 1e-160, 1e160, 1e300])
def test_the_length_of_a_direction_does_not_matter_however_far_from_1(length):
    problem = logistic(np.random.default_rng(0), 3, 0.1)
    at, p = problem.oracle(np.ones(3)), np.asarray([1.0, -0.5, 0.25])
    assert p @ at.gradient() > 0
    rounding = 1e-14 + 1e-323 / length  # below the smallest normal number p itself has fewer digits
    assert float(grade(length * p, at)) == pytest.approx(float(grade(p, at)), rel=rounding)


def test_a_problem_without_predictions_has_no_grade():
    with pytest.raises(TypeError, match="Quadratic doesn't offer"):
        grade(np.ones(2), Quadratic(np.eye(2), np.zeros(2)).oracle(np.ones(2)))


def test_a_direction_of_another_length_is_refused():
    problem = logistic(np.random.default_rng(0), 3, 0.0)
    with pytest.raises(ValueError, match=r"direction must have shape \(3,\), got \(2,\)"):
        grade(np.ones(2), problem.oracle(np.ones(3)))


def test_a_moment_that_overshoots_has_no_grade_until_it_has_turned():
    problem = LeastSquares(np.asarray([[1.0], [2.0]]), np.asarray([1.0, 2.0]), intercept=False)
    sofim = sr.SOFIM(lr=0.3, rho=1.0, beta=0.9)
    trace = sr.minimize(problem, sofim, steps=40, w0=np.zeros(1), store_points=True)
    steps = list(replay(problem, sofim, trace))
    ascents = 0
    for step in steps:
        found = grade(step.direction, step.oracle)
        ahead = problem.value(step.oracle.w - 1e-6 * step.direction)  # where the step begins to lead
        rises = ahead > step.oracle.value()
        assert np.isposinf(found) if rises else found == pytest.approx(grade(step.oracle.gradient(), step.oracle))
        ascents += rises
    assert 5 < ascents < 35
    assert np.isfinite(grade(steps[0].direction, steps[0].oracle))


@pytest.mark.parametrize("p", [[0.0, 1.0], [0.0, 0.0]])
def test_a_direction_along_which_the_loss_does_not_fall_is_infinitely_bad_without_a_warning(p):
    problem = LeastSquares(np.eye(2), np.asarray([1.0, 0.0]), intercept=False)
    assert np.isposinf(grade(np.asarray(p), problem.oracle(np.zeros(2))))


def test_half_over_its_square_is_the_most_that_the_quadratic_model_falls_along_the_step():
    rng = np.random.default_rng(0)
    oracle = logistic(rng, 3, 0.1).oracle(rng.standard_normal(3))
    F, g = curvature.fisher(oracle).to_dense(), oracle.gradient()
    lengths = np.geomspace(1e-3, 1e3, 10_001)
    for p in (g, -g, rng.standard_normal(3)):
        falls = lengths * (p @ g) - lengths**2 * (p @ F @ p) / 2
        assert max(0.0, falls.max()) == pytest.approx(0.5 / grade(p, oracle) ** 2, rel=1e-5)


def test_a_direction_that_is_not_a_number_has_a_grade_that_is_none():
    problem = logistic(np.random.default_rng(0), 3, 0.0)
    assert np.isnan(grade(np.full(3, np.nan), problem.oracle(np.ones(3))))
