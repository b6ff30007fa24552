"""SPRING against its formula in 50 digits, its Kaczmarz form, natural gradient, and where it diverges."""

import mpmath
import numpy as np
import pytest
from cases import data

from sofim_ref import SPRING, NaturalGradient, minimize
from sofim_ref.problems import LeastSquares, LogisticRegression, SoftmaxRegression

X, SCORE, LABEL, CLASS = data(N=10)


@pytest.mark.parametrize("fisher", ["exact", "empirical"])
def test_the_first_hundred_steps_are_the_formula_s_in_50_digits(fisher):
    problem, w0 = LogisticRegression(X[:, :2], LABEL, l2=0.01, intercept=False), np.asarray([1.0, -2.0])
    found = minimize(problem, SPRING(lr=0.05, damping=0.1, mu=0.9, fisher=fisher), steps=100, w0=w0, store_points=True)
    with mpmath.workdps(50):
        rows, w, phi = mpmath.matrix(X[:, :2].tolist()), mpmath.matrix(w0.tolist()), mpmath.matrix(2, 1)
        l2, damping, mu, N = mpmath.mpf(0.01), mpmath.mpf(0.1), mpmath.mpf(0.9), len(X)
        for at in found.points[1:]:
            p = [1 / (1 + mpmath.exp(-f)) for f in rows * w]
            off = [a - int(y) for a, y in zip(p, LABEL, strict=True)]
            weights = [a * (1 - a) for a in p] if fisher == "exact" else [a * a for a in off]
            J = mpmath.diag([mpmath.sqrt(a / N) for a in weights]) * rows
            g = rows.T * mpmath.matrix(off) / N + l2 * w
            phi = mpmath.lu_solve(J.T * J + (l2 + damping) * mpmath.eye(2), g + damping * mu * phi)
            w = w - mpmath.mpf(0.05) * phi
            truth = np.asarray([float(x) for x in w])
            assert np.linalg.norm(at - truth) <= 1e-10 * np.linalg.norm(truth)


@pytest.mark.parametrize("fisher", ["exact", "empirical"])
@pytest.mark.parametrize("kind", ["least squares", "softmax"])
def test_it_is_the_kaczmarz_form_to_13_digits(fisher, kind):
    """φ = μφ₋₁ + Jᵀ(JJᵀ + λI)⁻¹(r − μJφ₋₁), with the r of the docstring."""
    problem = LeastSquares(X, SCORE) if kind == "least squares" else SoftmaxRegression(X, CLASS)
    optimizer, w = SPRING(lr=0.1, damping=0.3, mu=0.9, fisher=fisher), np.linspace(-1, 1, problem.dim)
    state, phi = optimizer.init(w), np.zeros(problem.dim)
    for _ in range(5):
        oracle = problem.oracle(w)
        B = oracle.size
        if fisher == "exact":
            L = oracle.output_fisher_factor()
            J = np.concatenate(np.swapaxes(L, 1, 2) @ oracle.jacobian()) / B**0.5
            r = np.concatenate([np.linalg.pinv(S) @ u for S, u in zip(L, oracle.output_gradient(), strict=True)])
        else:
            J, r = oracle.per_example_gradients() / B**0.5, np.ones(B)
        r = r / B**0.5
        np.testing.assert_allclose(J.T @ r, oracle.gradient(), atol=1e-13)
        phi = 0.9 * phi + J.T @ np.linalg.solve(J @ J.T + 0.3 * np.eye(len(J)), r - 0.9 * J @ phi)
        w, state = optimizer.step(w, state, oracle)
        assert np.linalg.norm(state.direction - phi) <= 1e-13 * np.linalg.norm(phi)


def test_without_memory_it_is_natural_gradient_descent():
    problem, settings = SoftmaxRegression(X, CLASS, l2=0.1), {"lr": 0.3, "damping": 0.1}
    one, other = (minimize(problem, o, steps=9).w for o in (NaturalGradient(**settings), SPRING(mu=0.0, **settings)))
    np.testing.assert_allclose(one, other, rtol=1e-13)


@pytest.mark.parametrize(("lr", "mu", "n"), [(0.5, 0.99, 8), (0.5, 0.5, 8), (0.02, 0.99, 60), (0.3, 0.99, 6)])
def test_orthogonal_batches_in_turn_multiply_the_error_by_the_factor_of_the_docstring(lr, mu, n):
    problem = LeastSquares(np.eye(n), np.zeros(n), intercept=False)
    optimizer, w = SPRING(lr=lr, damping=1e-13, mu=mu), np.ones(n)
    state, starts = optimizer.init(w), []
    for t in range(3 * n):
        starts.append(w[t % n])
        w, state = optimizer.step(w, state, problem.oracle(w, np.asarray([t % n])))
    factor = 1 - lr * (1 - mu**n) / (1 - mu)
    turns = np.asarray(starts).reshape(3, n)
    np.testing.assert_allclose(turns[2], factor * turns[1], rtol=1e-9)
    assert (abs(factor) > 1) == (lr * (1 - mu**n) / (1 - mu) > 2)
    assert abs(factor) <= 1 or lr > 2 * (1 - mu)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"damping": 0.0}, r"damping must be a finite number > 0, got 0\.0"),
        ({"mu": 1.0}, r"mu must be a number in \[0, 1\), got 1\.0"),
        ({"fisher": "sampled"}, r"fisher must be one of 'exact', 'empirical', got 'sampled'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SPRING(**settings)
