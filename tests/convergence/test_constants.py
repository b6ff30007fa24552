"""Constants against what a search over points finds: never below it, and not far above where the bound is attained."""

import math

import numpy as np
import pytest
import scipy.optimize
from test_bound import logistic, poisson, softmax

from sofim_ref.problems import LogisticRegression, PoissonRegression, SoftmaxRegression


def steepest(problem, start, direction, length=1e-3):
    """The change of the Hessian over a short way, per length of the way."""
    direction = direction / np.linalg.norm(direction)
    one, other = (problem.oracle(start + s * length * direction).hessian() for s in (-0.5, 0.5))
    return np.linalg.norm(other - one, 2) / length


def searched(problem, *, trials=6, center=0.0, reach=3.0, inside=lambda _: True):
    """The largest change of the Hessian that Nelder–Mead finds from several starts."""
    rng, d, found = np.random.default_rng(0), problem.dim, 0.0

    def negative(x):
        return -steepest(problem, x[:d], x[d:]) if inside(x[:d]) and np.linalg.norm(x[d:]) > 1e-3 else 0.0

    for _ in range(trials):
        x0 = np.concatenate([center + reach * rng.uniform(-1, 1, d) / d**0.5, rng.standard_normal(d)])
        found = max(found, -scipy.optimize.minimize(negative, x0, method="Nelder-Mead").fun)
    return found


@pytest.mark.parametrize("make", [logistic, pytest.param(softmax, marks=pytest.mark.slow)])
def test_no_search_finds_a_hessian_that_changes_faster(make):
    problem = make(np.random.default_rng(0), 2, 0.1)
    M, found = problem.constants().hessian_lipschitz, searched(problem)
    assert 0.05 * M <= found <= M


def test_one_example_with_two_labels_attains_logistic_regressions_constant():
    problem = LogisticRegression(np.asarray([[2.0], [2.0]]), np.asarray([0, 1]), intercept=False)
    M = problem.constants().hessian_lipschitz
    np.testing.assert_allclose(M, 2**3 / (6 * math.sqrt(3)), rtol=1e-12)
    assert searched(problem) == pytest.approx(M, rel=1e-4)


def test_two_classes_attain_softmax_regressions_constant():
    problem = SoftmaxRegression(np.asarray([[1.0], [1.0]]), np.asarray([0, 1]), intercept=False)
    M = problem.constants().hessian_lipschitz
    np.testing.assert_allclose(M, math.sqrt(2) ** 3 / (6 * math.sqrt(3)), rtol=1e-12)
    assert searched(problem) == pytest.approx(M, rel=1e-4)


@pytest.mark.slow
def test_more_classes_come_as_near():
    problem = SoftmaxRegression(np.asarray([[1.0]] * 4), np.arange(4), intercept=False)
    M = problem.constants().hessian_lipschitz
    assert 0.7 * M <= searched(problem, trials=8, reach=8.0) <= M


def test_poisson_regression_has_constants_in_a_ball_and_none_outside():
    rng = np.random.default_rng(0)
    problem, center, radius = poisson(rng, 2, 0.1), np.asarray([0.3, -0.2]), 0.5
    assert (problem.constants().L, problem.constants().hessian_lipschitz) == (None, None)
    within = problem.constants(center, radius)
    angles = rng.uniform(0, 2 * np.pi, 300)
    edge = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = center + np.concatenate([edge, rng.uniform(0, 1, (300, 1)) * edge])
    spectra = np.linalg.eigvalsh(np.stack([problem.oracle(w).hessian() for w in points]))
    assert within.mu <= spectra.min()
    assert spectra.max() <= within.L
    found = searched(problem, center=center, reach=0.4, inside=lambda w: np.linalg.norm(w - center) <= radius - 1e-3)
    assert 0.05 * within.hessian_lipschitz <= found <= within.hessian_lipschitz


def test_one_count_attains_poisson_regressions_constants_on_the_edge_of_the_ball():
    problem = PoissonRegression(np.asarray([[2.0]]), np.asarray([3]), intercept=False)
    within = problem.constants(np.asarray([0.5]), 0.25)
    largest = math.exp(2 * 0.75)
    assert pytest.approx(4 * largest, rel=1e-12) == within.L
    assert within.mu == pytest.approx(4 * math.exp(2 * 0.25), rel=1e-12)
    assert within.hessian_lipschitz == pytest.approx(8 * largest, rel=1e-12)


def test_a_ball_so_large_that_numbers_overflow_has_no_constants():
    problem = PoissonRegression(np.asarray([[2.0], [1.0]]), np.asarray([3, 1]), intercept=False)
    within = problem.constants(np.asarray([0.0]), 1e6)
    assert (within.L, within.hessian_lipschitz) == (None, None)


@pytest.mark.parametrize("make", [logistic, softmax])
def test_a_ball_takes_nothing_away_from_constants_that_hold_everywhere(make):
    problem = make(np.random.default_rng(0), 2, 0.1)
    assert problem.constants(problem.optimum(), 1.0) == problem.constants()
