"""FAGH against its formula in 50 digits, Nyström's matrix of one column, and what it refuses."""

import mpmath
import numpy as np
import pytest
from cases import data

from sofim_ref import FAGH, curvature, minimize
from sofim_ref.problems import LogisticRegression, Quadratic

X, _, LABEL, _ = data(N=10)


def test_the_first_hundred_steps_are_the_formula_s_in_50_digits():
    problem, w0 = LogisticRegression(X[:, :2], LABEL, l2=0.01, intercept=False), np.asarray([1.0, -2.0])
    found = minimize(problem, FAGH(lr=0.05, rho=0.2, beta=0.8), steps=100, w0=w0, store_points=True).points[1:]
    with mpmath.workdps(50):
        rows, w, M = mpmath.matrix(X[:, :2].tolist()), mpmath.matrix(w0.tolist()), mpmath.matrix(2, 1)
        l2, rho, beta, N = mpmath.mpf(0.01), mpmath.mpf(0.2), mpmath.mpf(0.8), len(X)
        for t, at in enumerate(found, start=1):
            p = [1 / (1 + mpmath.exp(-f)) for f in rows * w]
            g = rows.T * mpmath.matrix([(a - int(y)) / N for a, y in zip(p, LABEL, strict=True)]) + l2 * w
            M = beta * M + (1 - beta) * g
            H = rows.T * mpmath.diag([a * (1 - a) / N for a in p]) * rows
            C = (l2 + rho) * mpmath.eye(2) + H[:, 0] * H[0, :] / H[0, 0]
            w = w - mpmath.mpf(0.05) * mpmath.lu_solve(C, M / (1 - beta**t))
            truth = np.asarray([float(x) for x in w])
            assert np.linalg.norm(at - truth) <= 1e-10 * np.linalg.norm(truth)


class FirstColumn(np.random.Generator):
    """Draws coordinate 0."""

    def choice(self, d, size, replace):
        return np.arange(size)


def test_it_is_nystrom_s_matrix_of_the_first_column():
    oracle = LogisticRegression(X, LABEL, l2=0.3).oracle(np.linspace(-1, 1, 4))
    optimizer = FAGH(rho=0.1)
    _, choice = optimizer.precondition(optimizer.init(oracle.w), oracle)
    nystrom = curvature.nystrom(oracle, FirstColumn(np.random.PCG64(0)), columns=1, rho=0.1 + 0.3)
    np.testing.assert_allclose(choice.matrix.to_dense(), nystrom.to_dense(), rtol=1e-13)
    H = oracle.hessian() + 0.1 * np.eye(4)
    np.testing.assert_allclose(choice.matrix.to_dense()[0], H[0], rtol=1e-13)


def test_an_indefinite_matrix_is_refused_and_another_row_may_do():
    saddle, w = Quadratic(np.diag([-1.0, 1.0]), np.zeros(2)), np.ones(2)
    message = r"FAGH needs a Hessian with a diagonal entry > 0 in row 0, got -1: its C is indefinite .* Another `row`"
    with pytest.raises(ValueError, match=message):
        FAGH().step(w, FAGH().init(w), saddle.oracle(w))
    with pytest.raises(ValueError, match=r"in row 0, got 0: its C"):
        FAGH().step(w, FAGH().init(w), Quadratic(np.asarray([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2)).oracle(w))
    other = FAGH(lr=1.0, rho=1.0, row=1)
    np.testing.assert_allclose(other.step(w, other.init(w), saddle.oracle(w))[0], [2.0, 0.5])


@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_of_a_row_of_zeros_nothing_is_known_and_c_is_rho(l2):
    problem, w = LogisticRegression(np.column_stack([np.zeros(10), X]), LABEL, l2=l2), np.linspace(-1, 1, 5)
    _, choice = FAGH(rho=0.1).precondition(FAGH().init(w), problem.oracle(w))
    np.testing.assert_allclose(choice.matrix.to_dense(), (0.1 + l2) * np.eye(5), rtol=1e-15)


def test_the_counterexample_s_matrix_would_climb_and_a_small_first_entry_makes_a_large_one():
    """C = diag(ρ − 1, ρ) sends the gradient (−x, y) up the first axis for ρ < 1: towards the saddle, not away."""
    rho, w = 0.1, np.asarray([0.5, 0.0])
    g = np.asarray([-1.0, 1.0]) * w
    step = -np.linalg.solve(np.diag([rho - 1.0, rho]), g)
    assert g @ step > 0
    flat = Quadratic(np.asarray([[1e-4, 1.0], [1.0, 0.0]]), np.zeros(2))
    _, choice = FAGH(rho=0.1).precondition(FAGH().init(w), flat.oracle(w))
    assert choice.matrix.eigenvalues()[-1] == pytest.approx(1e4, rel=1e-4)


@pytest.mark.slow
def test_under_jit_it_is_nan_where_it_would_be_refused():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    optimizer = FAGH(lr=1.0, rho=1.0)
    for first, finite in ((1.0, True), (-1.0, False), (0.0, False)):
        problem = Quadratic(jnp.asarray([[first, 0.5], [0.5, 1.0]]), jnp.zeros(2))
        w = jnp.ones(2)
        after = jax.jit(lambda w, problem=problem: optimizer.step(w, optimizer.init(w), problem.oracle(w))[0])(w)
        assert bool(jnp.isfinite(after).all()) == finite


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rho": 0.0}, r"rho must be a finite number > 0, got 0\.0"),
        ({"row": -1}, r"row must be an integer >= 0, got -1"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        FAGH(**settings)
    with pytest.raises(ValueError, match=r"row must be less than 4, the number of parameters, got 4"):
        FAGH(row=4).init(np.zeros(4))
