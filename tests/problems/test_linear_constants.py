"""The constants of a linear model's loss, where every number is known: features along the axes."""

import numpy as np
import pytest

from sofim_ref.problems import Constants, PoissonRegression, SoftmaxRegression, constants

EPS = np.finfo(np.float64).eps
X = np.asarray([[2.0, 0.0], [0.0, 4.0]])  # XᵀX/N = diag(2, 8)
ROUNDING = (2 + 2) * EPS


def linear_constants(X, bounds, l2):
    return constants.linear_constants(constants.weighted_moments(X, bounds), len(X), l2)


def test_they_are_extreme_eigenvalues_with_their_rounding():
    found = linear_constants(X, (0.25, 4.0, 3.0), 0.25)
    mu, L = 0.25 * 2 - ROUNDING * 0.25 * 8 + 0.25, 4.0 * 8 + ROUNDING * 4.0 * 8 + 0.25
    assert (found.mu, found.L) == (mu, L)
    assert found.hessian_lipschitz == pytest.approx(3.0 * 4**3 / 2, rel=2 * ROUNDING)


def test_each_example_may_have_bounds_of_its_own():
    found = linear_constants(X, (np.asarray([4.0, 0.5]), np.asarray([4.0, 0.5]), np.asarray([1.0, 3.0])), 0.0)
    np.testing.assert_allclose([found.mu, found.L], [4.0, 8.0], rtol=2 * ROUNDING)
    assert found.hessian_lipschitz == pytest.approx(3 * 4**3 / 2, rel=2 * ROUNDING)
    along = linear_constants(X[:, :1], (None, None, np.asarray([1.0, 3.0])), 0.0)
    assert along.hessian_lipschitz == pytest.approx(2**3 / 2, rel=2 * ROUNDING)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_what_nothing_bounds_is_unknown(missing):
    bounds = tuple(None if i == missing else 1.0 for i in range(3))
    found = linear_constants(X, bounds, 0.0)
    assert [getattr(found, name) is None for name in ("mu", "L", "hessian_lipschitz")] == [
        i == missing for i in range(3)
    ]


def test_mu_is_never_below_the_l2_term_s():
    assert linear_constants(np.ones((2, 2)), (1.0, 1.0, 1.0), 0.5).mu == 0.5


@pytest.mark.parametrize("size", [1e200, 1e103])
def test_where_numbers_overflow_nothing_is_known(size):
    found = linear_constants(size * X, (1.0, 1.0, 1.0), 0.0)
    assert found.hessian_lipschitz is None
    assert (found.mu is None, found.L is None) == (size > 1e150, size > 1e150)


def test_nothing_is_known_unless_it_is_said():
    assert Constants() == Constants(None, None, None)


def test_in_a_ball_outputs_move_by_radius_times_length():
    problem = PoissonRegression(np.asarray([[2.0], [2.0]]), np.ones(2), intercept=False)
    center, (low, high) = np.asarray([0.25]), np.exp([0.5 - 1.0, 0.5 + 1.0])
    found = problem.constants(center, 0.5)
    np.testing.assert_allclose([found.mu, found.L, found.hessian_lipschitz], [4 * low, 4 * high, 8 * high], rtol=1e-14)
    for half_a_ball in (problem.constants(center), problem.constants(radius=0.5), problem.constants()):
        assert half_a_ball == Constants(0.0, None, None)


def test_a_linear_model_s_hessian_needs_no_products(monkeypatch):
    problem = SoftmaxRegression(X, np.asarray([0, 1]), l2=0.5)
    oracle = problem.oracle(problem.initial_point() + 0.5)
    expected = np.stack([oracle.hvp(e) for e in np.eye(problem.dim)], axis=1)
    monkeypatch.delattr(type(problem.model), "hvp")
    np.testing.assert_allclose(oracle.hessian(), expected, rtol=0, atol=1e-14)
