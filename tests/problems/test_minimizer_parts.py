"""What the minimizer decides by: when a gradient is rounding, when a Hessian is singular, how far a step leads."""

import re
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
    at.average = lambda f: f(at)
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


@pytest.fixture
def walk(monkeypatch):
    """A function that runs the minimizer along given points, with what it decides by: a constant, or an oracle's."""

    def run(*points, definite=True, singular=False, rounding=True, start=8.0, hessian=1.0):
        left = list(points)
        problem = Function(
            1, value=lambda w: w @ w / 2, gradient=lambda w: w, hessian=lambda _: np.full((1, 1), hessian)
        )
        decisions = {"_is_definite": definite, "_is_singular": singular, "_is_rounding": rounding}
        for name, decision in decisions.items():
            decide = decision if callable(decision) else lambda _, answer=decision: answer
            monkeypatch.setattr(minimizer, name, decide)
        monkeypatch.setattr(problem, "initial_point", lambda: np.asarray([start]))
        monkeypatch.setattr(minimizer, "_trust_region", lambda at, _: at)
        monkeypatch.setattr(minimizer, "_newton_step", lambda at: at.at(np.asarray([left.pop(0)])) if left else None)
        try:
            return float(minimizer.minimizer(problem)[0])
        except ValueError as error:
            return re.search("unique|minimum", str(error)).group(), len(left)

    return run


def test_what_is_rounding_is_the_end_once_a_step_no_longer_halves_the_gradient(walk):
    assert walk(4.0, 1.9, 0.96, 0.1) == 0.96
    assert walk(4.0, 1.9, 0.96, 0.1, rounding=lambda at: at.w[0] < 1) == 0.96
    assert walk(4.0, 3.0, 2.9, 0.1, rounding=lambda at: at.w[0] < 1) == 0.1


def test_where_no_step_is_found_before_the_gradient_is_rounding_there_is_no_optimum(walk):
    assert walk(4.0, rounding=False) == ("unique", 0)


def test_near_the_end_a_singular_hessian_is_refused_before_a_step_is_taken(walk):
    assert walk(7e-8, 0.0, singular=True) == ("unique", 1)
    assert walk(1e-7, 1e-7, singular=lambda at: at.w[0] < 8e-8) == 1e-7
    assert walk(1.0, start=0.0, singular=True) == ("unique", 1)
    assert walk(4.0, 2.0, definite=False, singular=True) == ("unique", 2)


def test_at_the_end_a_hessian_is_refused_that_is_neither_definite_nor_regular(walk):
    last = {"definite": lambda at: at.w[0] > 5, "singular": lambda at: at.w[0] < 3.5}
    assert walk(4.0, 3.0, **last) == ("unique", 0)
    assert walk(4.0, 3.0, **last | {"singular": False}) == 3.0
    assert walk(4.0, 3.0, **last | {"definite": True}) == 3.0


def test_an_eigenvalue_of_zero_is_no_saddle(walk):
    assert walk(definite=False, hessian=0.0) == 8.0
    assert walk(definite=False, hessian=-1e-9) == ("minimum", 0)
