"""A certificate is True, False or None with its reason, at any size and conditioning, and never an exception."""

import time

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.convergence import dennis_more, linear_quadratic_bound
from sofim_ref.convergence.reasons import (
    BELOW_ROUNDING,
    GIVEN,
    INDEFINITE,
    OVERFLOW,
    SADDLE,
    SINGULAR_HESSIAN,
    TOO_LARGE,
    UNMOVED,
    UNSETTLED,
)
from sofim_ref.problems import Constants, LogisticRegression, PoissonRegression, Quadratic


def run(problem, optimizer, w0, steps=3):
    trace = sr.minimize(problem, optimizer, steps=steps, w0=w0, store_points=True)
    return linear_quadratic_bound(problem, optimizer, trace)


def test_a_singular_hessian_is_a_reason_in_words():
    problem = LogisticRegression(np.asarray([[1.0], [2.0], [3.0], [4.0]]), np.asarray([0, 1, 0, 1]))
    newton, w = sr.Newton(line_search=False), np.asarray([-40.0, -10.0])
    following = np.asarray([-3.0, 5.0])
    found = linear_quadratic_bound(problem, newton, [w, following])
    assert found.holds is None
    assert found.reason.startswith("1 of 1 steps: ")


def test_an_indefinite_matrix_bounds_nothing():
    problem = Quadratic(np.diag([1.0, 2.0]), np.zeros(2))
    C = sr.matrices.Dense(np.asarray([[1.0, 2.0], [2.0, 1.0]]))
    w = np.asarray([1.0, 1.0])
    found = linear_quadratic_bound(problem, Fixed(C), [w, w - C.solve(problem.gradient(w))])
    assert found.holds is None
    assert found.reason == f"1 of 1 steps: {INDEFINITE}"
    assert np.isnan(found.bound).all()
    np.testing.assert_allclose(found.xi1, np.linalg.norm(np.eye(2) - C.solve(problem.matrix), 2), rtol=1e-12)


class Fixed(sr.optimizers.Optimizer):
    """Steps with a matrix of one's own."""

    lr = 1.0

    def __init__(self, matrix):
        self.matrix = matrix

    def init(self, w):
        return sr.optimizers.State(0)

    def precondition(self, state, oracle):
        return sr.optimizers.State(state.step + 1), sr.optimizers.Preconditioned(self.matrix, oracle.gradient())


def test_what_covers_nothing_says_neither_true_nor_false():
    problem = Quadratic(np.diag([1.0, 3.0]), np.zeros(2))
    w = np.ones(2)
    found = linear_quadratic_bound(problem, sr.SGD(lr=0.1), [w, w / 2, w / 4])
    assert found.holds is None
    assert found.reason.startswith("2 of 2 steps: the next point is not where")
    assert not found.decided.any()


def test_a_bound_below_rounding_says_neither_true_nor_false():
    problem = Quadratic(np.diag([1.0, 3.0]), np.asarray([1.0, 1.0]))
    w = problem.optimum()
    following = np.nextafter(w, 2)
    found = linear_quadratic_bound(problem, sr.SGD(lr=0.25), [w, following])
    assert found.applies.all()
    assert not found.covered.any()
    assert found.holds is None
    assert "rounding exceeds the bound" in found.reason


@pytest.mark.parametrize("seed", range(4))
def test_poisson_regression_at_its_optimum_is_no_false_alarm(seed):
    problem = PoissonRegression(np.asarray([[1.0], [2.0]]), np.asarray([1, 1]), l2=0.1)
    found = run(problem, sr.Newton(line_search=False), np.random.default_rng(seed).standard_normal(2), steps=12)
    assert found.holds
    assert found.decided[:3].all()
    assert np.all(found.rounding[:3] <= 1e-6 * found.bound[:3])
    assert np.max(found.rounding[-3:]) < 1e-16


def scaled_logistic(d):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, d)) * np.geomspace(1e-2, 1, d)
    return LogisticRegression(X, rng.integers(0, 2, 60), l2=0.1, intercept=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer",
    [sr.SGD(lr=0.1), sr.SOFIM(lr=0.1, beta=0.0), sr.NaturalGradient(damping=0.1)],
    ids=["sgd", "sofim", "natural-gradient"],
)
def test_hundreds_of_parameters_are_certified_within_a_second(optimizer):
    problem = scaled_logistic(450)
    trace = sr.minimize(problem, optimizer, steps=2, w0=np.ones(450), store_points=True)
    optimum = problem.optimum()
    start = time.process_time()
    found = linear_quadratic_bound(problem, optimizer, trace, optimum=optimum)
    assert time.process_time() - start < 1
    assert found.holds
    assert found.decided.all()


def test_one_step_to_the_optimum_of_a_large_bowl_is_certified():
    found = run(Quadratic(np.eye(450), np.zeros(450)), sr.SGD(lr=1.0), np.ones(450), steps=1)
    assert found.reasons == ("",)
    assert found.holds is not False


def test_a_dense_matrix_beyond_the_size_that_is_decomposed_has_no_bound(monkeypatch):
    monkeypatch.setattr(sr.convergence.spectral, "DENSE", 1)
    monkeypatch.setattr(sr.convergence.spectral, "LARGEST", 1)
    problem = Quadratic(np.diag([1.0, 3.0]), np.zeros(2))
    assert run(problem, sr.Newton(line_search=False), np.ones(2), steps=1).reason == f"1 of 1 steps: {TOO_LARGE}"
    assert run(problem, sr.SOFIM(lr=0.1, beta=0.0), np.ones(2), steps=1).holds


def test_a_step_that_its_method_refuses_to_take_again_is_a_reason():
    class Refusing(Fixed):
        def precondition(self, state, oracle):
            if state.step == 1:
                msg = "lam value too large"
                raise ValueError(msg)
            return super().precondition(state, oracle)

    problem, w = Quadratic(np.diag([1.0, 3.0]), np.zeros(2)), np.ones(2)
    method = Refusing(sr.matrices.ScaledIdentity(4.0, w))
    found = linear_quadratic_bound(problem, method, [w, np.asarray([0.75, 0.25]), w, w])
    assert found.holds
    assert found.reason == "2 of 3 steps: the method can't take this step: lam value too large"
    assert np.isnan(found.xi1[1:]).all()


def test_what_a_solve_leaves_at_its_tolerance_disturbs_the_step():
    problem, w = Quadratic(np.diag([1.0, 3.0]), np.zeros(2)), np.ones(2)
    diagonal = np.asarray([2.0, 5.0])
    C = sr.matrices.MatrixFree(lambda v: diagonal * v, w, tolerance=0.9)
    x = C.solve(problem.gradient(w))
    found = linear_quadratic_bound(problem, Fixed(C), [w, w - x])
    assert found.holds
    assert found.decided.all()
    np.testing.assert_allclose(found.xi0, np.linalg.norm(x - problem.gradient(w) / diagonal), rtol=1e-13)


def test_where_the_hessian_is_singular_the_error_is_that_in_its_range():
    problem = Quadratic(np.diag([1.0, 1e-17]), np.zeros(2))
    w = np.asarray([1.0, 1.0])
    known = Constants(mu=0.0, L=1.0, hessian_lipschitz=0.0)
    following = w - 0.5 * problem.gradient(w)
    found = linear_quadratic_bound(problem, sr.SGD(lr=0.5), [w, following], optimum=0 * w, constants=known)
    assert found.holds
    assert found.assumes == f"{SINGULAR_HESSIAN.format(1, 2)}; {GIVEN}"
    np.testing.assert_allclose([found.error, found.next_error, found.bound], [[1.0], [0.5], [0.5]], rtol=1e-15)


def test_an_optimum_whose_hessian_is_negative_bounds_nothing():
    problem = Quadratic(np.diag([1.0, -1e-3]), np.zeros(2))
    w = np.asarray([1.0, 1.0])
    for method, reason in ((sr.SGD(lr=0.5), UNSETTLED), (sr.SGD(lr=0.5, momentum=0.5), SADDLE)):
        following = w - 0.5 * problem.gradient(w)
        found = linear_quadratic_bound(problem, method, [w, following], optimum=0 * w)
        assert found.reason == f"1 of 1 steps: {reason}"
        assert found.holds is None


def test_a_matrix_with_an_infinite_number_is_a_reason():
    problem, w = Quadratic(np.diag([1.0, 3.0]), np.zeros(2)), np.ones(2)
    C = sr.matrices.LBFGSMatrix(np.asarray(np.inf), np.zeros((1, 2)), np.zeros((1, 2)))
    found = linear_quadratic_bound(problem, Fixed(C), [w, w])
    assert found.reason == f"1 of 1 steps: {OVERFLOW}"


@pytest.mark.parametrize("rho", [1e-200, 1e155, 1e300])
def test_a_rho_of_any_size_is_covered_where_rounding_allows(rho):
    problem = LogisticRegression(np.asarray([[1.0, 2.0], [-1.0, 0.5], [0.3, -2.0]]), np.asarray([0, 1, 1]), l2=0.1)
    found = run(problem, sr.SOFIM(lr=rho, rho=rho, beta=0.0), np.ones(3))
    if rho > 1:
        usual = run(problem, sr.SOFIM(lr=1e9, rho=1e9, beta=0.0), np.ones(3))
        assert found.decided.all()
        np.testing.assert_allclose(found.bound, usual.bound, rtol=1e-8)
    else:
        assert found.reason == f"3 of 3 steps: {BELOW_ROUNDING}"


STAYING = {
    sr.Status.CONVERGED: {"tolerance": 100.0},
    sr.Status.DIVERGED: {"w0": np.full(2, 1e10), "optimizer": sr.SGD(lr=1e300)},
}
"""How a run ends before its first step."""


@pytest.mark.parametrize("status", STAYING)
def test_a_run_without_a_step_has_nothing_to_certify(status):
    problem = Quadratic(np.eye(2), np.ones(2))
    trace = sr.minimize(problem, steps=3, store_points=True, **{"optimizer": sr.SGD(), **STAYING[status]})
    assert (trace.status, len(trace.points)) == (status, 1)
    found = linear_quadratic_bound(problem, sr.SGD(), trace)
    assert (found.holds, found.reason) == (None, UNMOVED)
    assert found.decided.shape == found.applies.shape == found.bound.shape == (0,)
    assert dennis_more(problem, trace).shape == (0,)
