"""What the minimizer decides by: when a gradient is rounding, when a Hessian is singular, how far a step leads."""

from types import SimpleNamespace

import numpy as np
import pytest

from sofim_ref.problems import Constants, Function, MLPRegressor, minimizer

EPS = np.finfo(np.float64).eps
NEXT = 1 + 4 * EPS


@pytest.mark.parametrize(("size", "expected"), [(1.0, True), (NEXT, False)])
def test_a_gradient_is_rounding_up_to_a_hundred_eps_of_what_it_is_made_from(size, expected):
    at = SimpleNamespace(
        per_example_gradients=lambda: np.asarray([[3.0, 4.0], [6.0, 8.0]]),  # their mean length is 7.5
        l2=0.5,
        w=np.asarray([-3.0, 0.0]),  # l2 ‖w‖ is 1.5
        hessian=lambda: np.diag([-2.0, 7.0]),  # |H| |w| is (6, 0)
        gradient=lambda: np.asarray([size * 100 * EPS * (7.5 + 1.5 + 6) * 3, 0.0]),
        problem=SimpleNamespace(dim=9),
    )
    assert minimizer._is_rounding(at) is expected


def test_a_hessian_is_definite_where_it_has_a_cholesky_factor():
    for lowest, expected in ((1.0, True), (0.0, False), (-1.0, False)):
        assert minimizer._is_definite(SimpleNamespace(hessian=lambda lowest=lowest: np.diag([1.0, lowest]))) is expected


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("l2", "lowest", "expected"), [(1.0, 1.0, True), (NEXT, 1.0, False), (1.0, 1.001, False), (0.0, -1.0, True)]
)
def test_a_hessian_is_singular_up_to_rounding_in_the_largest_there_is(known, l2, lowest, expected):
    rounding = 10 * 2 * EPS * 8
    at = SimpleNamespace(
        hessian=lambda: np.diag([lowest * rounding, 4.0 if known else 8.0]),
        l2=l2 * rounding,
        problem=SimpleNamespace(dim=2, constants=lambda: Constants(L=8.0 if known else None)),
    )
    assert minimizer._is_singular(at) is expected


def test_a_step_is_halved_until_the_gradient_is_shorter():
    """Newton's step for ∇f = arctan w from 20 leads to −568, and half as far too far as well, up to the fourth time."""
    problem = Function(1, value=lambda w: (w * w).sum(), gradient=np.arctan, hessian=lambda w: np.diag(1 / (1 + w * w)))
    at = problem.oracle(np.asarray([20.0]))
    step = np.arctan(20.0) * 401
    lengths = [abs(np.arctan(20.0 - step / 2**k)) for k in range(5)]
    assert [length < np.arctan(20.0) for length in lengths] == [False] * 4 + [True]
    np.testing.assert_allclose(minimizer._newton_step(at).w, [20.0 - step / 16], rtol=1e-12)


def test_a_step_that_shortens_no_gradient_is_given_up():
    tried = []
    problem = Function(
        1,
        value=lambda w: w.sum(),
        gradient=lambda w: tried.append(float(w[0])) or np.ones(1),
        hessian=lambda _: np.eye(1),
    )
    assert minimizer._newton_step(problem.oracle(np.zeros(1))) is None
    assert tried == [0.0] + [-(0.5**k) for k in range(40)]


def test_the_trust_region_leads_to_a_hundred_millionth_of_the_first_gradient(monkeypatch):
    X = np.asarray([[1.0], [2.0], [3.0]])
    problem, seen = MLPRegressor(X, X[:, 0], hidden=(2,), l2=0.1), []
    first = np.linalg.norm(problem.gradient(problem.initial_point()))
    sought = minimizer._trust_region
    monkeypatch.setattr(minimizer, "_is_definite", lambda _: False)
    monkeypatch.setattr(minimizer, "_trust_region", lambda at, near: seen.append(near) or sought(at, near))
    w = minimizer.minimizer(problem)
    assert seen == [1e-8 * first]
    assert np.linalg.norm(problem.gradient(w)) <= 1e-12


def test_a_saddle_is_no_minimum(monkeypatch):
    """Where all weights are zero so is the gradient for odd targets, and the Hessian has eigenvalues l2 ± 1."""
    problem = MLPRegressor(np.asarray([[1.0], [-1.0]]), np.asarray([1.0, -1.0]), hidden=(1,), l2=0.01)
    monkeypatch.setattr(problem, "initial_point", lambda: np.zeros(problem.dim))
    with pytest.raises(
        ValueError, match=r"no minimum where Newton's method ended: the Hessian has the eigenvalue -0\.99"
    ):
        minimizer.minimizer(problem)
