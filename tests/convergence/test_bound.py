"""The bound holds wherever it is said to, fails when its constants are broken, and says where it stops."""

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import sofim_ref as sr
from sofim_ref.convergence import contraction, inverse_norm, linear_quadratic_bound, reasons, replay
from sofim_ref.convergence.replay import UNDECLARED
from sofim_ref.problems import Constants, Function, LogisticRegression, PoissonRegression, Quadratic, SoftmaxRegression

SEEDS = st.integers(0, 2**32 - 1)


def quadratic(rng, d, l2):
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    A = (Q * rng.uniform(l2, 10, d)) @ Q.T
    return Quadratic((A + A.T) / 2, rng.standard_normal(d))


def logistic(rng, d, l2):
    X = rng.standard_normal((12, d))
    return LogisticRegression(X, rng.integers(0, 2, 12), l2=l2, intercept=False)


def softmax(rng, d, l2):
    X = rng.standard_normal((12, d))
    return SoftmaxRegression(X, np.arange(12) % 3, l2=l2, intercept=False)


def poisson(rng, d, l2):
    X = rng.uniform(-1, 1, (12, d))
    return PoissonRegression(X, rng.poisson(2.0, 12), l2=l2, intercept=False)


STRAIGHT = (
    sr.SGD(lr=0.3),
    sr.SGD(lr=5.0),
    sr.SOFIM(lr=0.3, rho=0.5, beta=0.0),
    sr.SOFIM(lr=2.0, rho=0.1, beta=0.0, vector="gradient"),
    sr.SOFIM(lr=0.1, beta=0.0, scope="global", rho=1e-3),
    sr.NaturalGradient(lr=1.0, damping=0.1),
    sr.NaturalGradient(lr=0.5, damping=1.0, fisher="empirical"),
    sr.Newton(line_search=False),
    sr.Newton(line_search=False, damping=0.5, lr=0.7),
)
"""Methods without momentum."""


@given(
    make=st.sampled_from([quadratic, logistic, softmax, poisson]),
    optimizer=st.sampled_from(STRAIGHT),
    seed=SEEDS,
    d=st.integers(1, 5),
    l2=st.sampled_from([1e-2, 0.1, 1.0]),
    far=st.floats(-7, 1),
)
@settings(max_examples=150)
def test_one_step_from_any_point_ends_within_the_bound(make, optimizer, seed, d, l2, far):  # noqa: PLR0917  # drawn
    rng = np.random.default_rng(seed)
    problem = make(rng, d, l2)
    assume(optimizer.needs <= problem.offers)
    assume(make is not poisson or far < 0)  # in a larger ball its curvature knows no bounds to speak of
    direction = rng.standard_normal(problem.dim)
    w = problem.optimum() + 10**far * direction / np.linalg.norm(direction)
    following, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    found = linear_quadratic_bound(problem, optimizer, [w, following])
    assert found.reasons == ("",)
    assert found.holds or found.bound <= found.rounding, (found.next_error, found.bound, found.rounding)
    assert found.rounding[0] <= 1e-4 * max(1.0, found.bound[0])  # it allows for rounding, and for nothing else


def cubic(M=0.5):
    """f = w²/2 + M w³/6 in one dimension: the Hessian 1 + M w changes at the rate M everywhere."""
    return Function(
        1,
        lambda w: 0.5 * w @ w + M / 6 * w[0] ** 3,
        lambda w: w + M / 2 * w**2,
        hvp=lambda w, v: (1 + M * w) * v,
        hessian=lambda w: (1 + M * w)[:, None],
    )


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_halving_xi2_where_it_is_tight_is_noticed(share):
    newton, M = sr.Newton(line_search=False), 0.5
    trace = sr.minimize(cubic(M), newton, steps=3, w0=np.asarray([-0.5]), store_points=True)
    broken = Constants(mu=0.5, L=1.5, hessian_lipschitz=share * M)
    found = linear_quadratic_bound(cubic(M), newton, trace, optimum=np.zeros(1), constants=broken)
    assert found.holds == (share == 1.0)
    if share == 1.0:
        np.testing.assert_allclose(found.next_error[:2], found.bound[:2], rtol=1e-12)  # it is attained


def test_halving_xi1_where_it_is_tight_is_noticed():
    problem = Quadratic(np.diag([1.0, 3.0]), np.zeros(2))
    found = linear_quadratic_bound(problem, sr.SGD(lr=0.1), [np.asarray([1.0, 0.0]), np.asarray([0.9, 0.0])])
    np.testing.assert_allclose(found.bound, found.next_error, rtol=1e-15)
    assert found.holds
    assert not np.all(found.next_error <= 0.99 * found.bound + found.rounding)


@pytest.mark.parametrize("optimizer", STRAIGHT, ids=repr)
def test_a_whole_run_on_real_data_stays_within_the_bound(optimizer):
    X, y = sklearn.datasets.load_iris(return_X_y=True)
    problem = SoftmaxRegression((X - X.mean(axis=0)) / X.std(axis=0), y, l2=0.05)
    trace = sr.minimize(problem, optimizer, steps=15, store_points=True)
    found = linear_quadratic_bound(problem, optimizer, trace)
    assert found.applies.all()
    hidden = int((found.bound <= found.rounding).sum())  # where Newton's method has arrived
    assert found.reason == (f"{hidden} of 15 steps: {reasons.BELOW_ROUNDING}" if hidden else "")
    assert found.holds
    np.testing.assert_array_equal(found.error[1:], found.next_error[:-1])


def test_the_arrays_are_what_they_are_called(xp):
    A = np.diag([1.0, 4.0])
    problem = Quadratic(xp.asarray(A), xp.asarray(np.zeros(2)))
    w = xp.asarray(np.asarray([3.0, 4.0]))
    sofim = sr.SOFIM(lr=0.5, rho=2.0, beta=0.0)
    following, _ = sofim.step(w, sofim.init(w), problem.oracle(w))
    found = linear_quadratic_bound(problem, sofim, [w, following])
    g = A @ [3.0, 4.0]
    C = 2.0 * np.eye(2) + np.outer(g, g)
    within = 100 * xp.eps()
    np.testing.assert_allclose(found.error, [5.0], rtol=within)
    np.testing.assert_allclose(found.xi1, np.linalg.norm(np.eye(2) - 0.5 * np.linalg.solve(C, A), 2), rtol=within)
    np.testing.assert_array_equal(found.xi2, [0.0])
    np.testing.assert_allclose(found.next_error, np.linalg.norm([3, 4] - 0.5 * np.linalg.solve(C, g)), rtol=within)
    assert found.holds


# ------------------------------------------------------------ where it doesn't apply


def small(rng=0, l2=0.1):
    return logistic(np.random.default_rng(rng), 3, l2)


def run(problem, optimizer, **settings):
    trace = sr.minimize(problem, optimizer, **{"steps": 6, "store_points": True, "record_every": 1, **settings})
    return linear_quadratic_bound(problem, optimizer, trace)


class Undeclared(sr.SGD):
    """Heavy ball that doesn't say so."""

    def averaging(self, t):
        return sr.optimizers.Averaging()


def test_a_moment_that_is_not_declared_has_no_bound():
    found = run(small(), Undeclared(lr=0.1, momentum=0.9))
    assert found.reason == f"5 of 6 steps: {UNDECLARED}"
    assert found.applies.tolist() == [True, *[False] * 5]
    assert np.isnan(found.bound[1:]).all()
    assert np.isfinite(found.xi1).all()
    assert np.isfinite(found.next_error).all()
    assert found.holds is True  # says nothing of the others


def test_a_loss_without_proved_constants_has_no_bound():
    rng = np.random.default_rng(0)
    problem = sr.problems.MLPClassifier(rng.standard_normal((10, 2)), np.arange(10) % 2, hidden=(2,))
    sgd = sr.SGD(lr=0.1)
    trace = sr.minimize(problem, sgd, steps=3, store_points=True)
    with pytest.raises(TypeError, match="no known optimum"):
        linear_quadratic_bound(problem, sgd, trace)
    found = linear_quadratic_bound(problem, sgd, trace, optimum=trace.w)
    assert found.reason == f"3 of 3 steps: {reasons.UNKNOWN}"
    assert not found.applies.any()
    assert np.isnan(found.bound).all()
    assert np.isnan(found.xi2).all()


def test_a_point_so_far_away_that_the_bound_overflows_has_none():
    problem, sgd, w = Quadratic(np.diag([1.0, 2.0]), np.zeros(2)), sr.SGD(lr=0.5), np.full(2, 1e200)
    following, _ = sgd.step(w, sgd.init(w), problem.oracle(w))
    found = linear_quadratic_bound(problem, sgd, [w, following])
    assert found.reason == f"1 of 1 steps: {reasons.OVERFLOW}"
    assert np.isnan(found.bound).all()
    assert np.isfinite(found.xi1).all()


def test_a_full_newton_step_with_line_search_is_covered():
    problem = small()
    found = run(problem, sr.Newton(), w0=problem.optimum() + 0.01)
    assert found.applies.any()
    assert found.holds


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "the trace must hold its points: run minimize with store_points=True"),
        ({"store_points": True, "record_every": 2}, "must hold every step from the first on: .* record_every=1"),
    ],
)
def test_a_trace_without_every_point_is_refused_with_the_option_that_stores_them(settings, message):
    problem, sgd = small(), sr.SGD(lr=0.1)
    trace = sr.minimize(problem, sgd, steps=4, **settings)
    with pytest.raises(ValueError, match=message):
        linear_quadratic_bound(problem, sgd, trace)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (small(l2=0.0).on(np.asarray([[-1.0], [1.0]]) @ np.ones((1, 3)), np.asarray([0, 1])), r"separable .* l2 > 0"),
        (Quadratic(np.zeros((1, 1)), np.zeros(1)), "must be positive definite for an optimum to exist"),
    ],
)
def test_a_problem_without_a_unique_optimum_is_refused_with_cause_and_remedy(problem, message):
    with pytest.raises(ValueError, match=message):
        linear_quadratic_bound(problem, sr.SGD(), [np.ones(problem.dim), np.zeros(problem.dim)])


def test_one_point_is_no_run():
    with pytest.raises(ValueError, match="points must be at least two, got 1"):
        linear_quadratic_bound(small(), sr.SGD(), [np.ones(3)])


# ------------------------------------------------------------ large d


def test_products_alone_give_the_norms_that_dense_matrices_give(monkeypatch):
    problem, optimizer = small(), sr.NaturalGradient(damping=0.3)
    w = problem.initial_point(1)
    following, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    (step,) = replay(problem, optimizer, [w, following])
    dense = contraction(step.matrix, 0.7, step.oracle), inverse_norm(step.matrix)
    monkeypatch.setattr(sr.convergence.spectral, "DENSE", 1)
    np.testing.assert_allclose(
        (contraction(step.matrix, 0.7, step.oracle), inverse_norm(step.matrix)), dense, rtol=1e-8
    )


def test_large_d_writes_no_matrix_out():
    rng = np.random.default_rng(0)
    problem = LogisticRegression(rng.standard_normal((60, 1000)) / 30, rng.integers(0, 2, 60), l2=0.5, intercept=False)
    sofim = sr.SOFIM(lr=0.4, rho=1.0, beta=0.0)
    w = 0.1 * rng.standard_normal(1000)
    trace = sr.minimize(problem, sofim, steps=2, w0=w, store_points=True)
    optimum = sr.minimize(problem, sr.SGD(lr=1.5), steps=200, w0=w).w
    found = linear_quadratic_bound(problem, sofim, trace, optimum=optimum)
    assert found.holds
    assert found.applies.all()
    assert (found.xi1 < 1).all()
