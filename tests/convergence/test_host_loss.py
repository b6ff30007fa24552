"""Gradient and Hessian on the host are as far from 50 digits as they say at most, and not much less."""

from types import SimpleNamespace

import numpy as np
import pytest
from exact_bound import DIGITS, ExactLoss, norm
from known_loss import EPS, LONG_EPS
from mpmath import mp

from sofim_ref.convergence import host_loss as module
from sofim_ref.convergence.host_loss import host_loss
from sofim_ref.convergence.settled_optimum import settled_optimum
from sofim_ref.matrices.exact import exact
from sofim_ref.problems import (
    Function,
    LeastSquares,
    LogisticRegression,
    PoissonRegression,
    Quadratic,
    SoftmaxRegression,
)


def problems(rng, dtype):
    X = (rng.standard_normal((6, 2)) * [3.0, 0.01]).astype(dtype)
    A = np.diag([1.0, 1e-6]).astype(dtype)
    yield Quadratic(A, rng.standard_normal(2).astype(dtype))
    yield LeastSquares(X, 100 * rng.standard_normal(6), l2=1e-3)
    yield LogisticRegression(X, rng.integers(0, 2, 6), l2=1e-3)
    yield SoftmaxRegression(X, np.arange(6) % 2, l2=1e-3, intercept=False)
    yield PoissonRegression(X, rng.poisson(20.0, 6), l2=1e-3)


@pytest.mark.parametrize("products", [module.LONG_PRODUCTS, 0], ids=["longest float", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_errors_are_bounded_and_the_bounds_are_close(dtype, products, monkeypatch):
    monkeypatch.setattr(module, "LONG_PRODUCTS", products)
    rng = np.random.default_rng(0)
    unit = float(np.finfo(np.float64 if products == 0 else module.LONG).eps)
    for problem in problems(rng, dtype):
        w = rng.standard_normal(problem.dim).astype(dtype)
        loss = host_loss(problem, w)
        g, g_error = loss.gradient(w)
        H, H_error = loss.hessian(w)
        with mp.workdps(DIGITS):
            true_g, true_H = ExactLoss(problem).derivatives(exact(w))
            off_g, off_H = norm(long(g) - true_g), norm((long(H) - true_H).ravel())
        assert off_g <= g_error <= 1e4 * unit * (float(norm(true_g)) + 100)
        assert off_H <= H_error + unit * float(norm(true_H.ravel())) * len(w)
        assert H_error <= 1e4 * unit * (1 + float(norm(true_H.ravel())))


def long(x):
    """Numbers of the longest float without rounding, each in two parts of float64."""
    head = x.astype(np.float64)
    return exact(head) + exact((x - head).astype(np.float64))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_optimum_is_settled_beyond_its_dtype(dtype):
    for problem in problems(np.random.default_rng(1), dtype):
        target = problem.optimum()
        loss = host_loss(problem, target)
        settled, off = settled_optimum(loss, target, loss.constants(target, 1.0)[0])
        with mp.workdps(DIGITS):
            assert norm(long(settled) - ExactLoss(problem).optimum(exact(target))) <= off
        assert off <= 1e-12 * np.linalg.norm(target)


def test_where_predictions_are_larger_than_their_rounding_allows_nothing_is_said():
    problem = PoissonRegression(np.asarray([[1.0], [2.0]]), np.asarray([1, 1]), l2=0.1)
    loss = host_loss(problem, np.zeros(2))
    assert loss.gradient(np.asarray([-1e25, 0.0]))[1] == np.inf
    assert loss.hessian(np.asarray([-1e25, 0.0]))[1] == np.inf


def test_a_subclass_that_answers_in_its_own_way_is_asked():
    class Tilted(Quadratic):
        def answer_gradient(self, at):
            return super().answer_gradient(at) + 1.0

    w = np.zeros(2)
    g, error = host_loss(Tilted(np.eye(2), np.zeros(2)), w).gradient(w)
    np.testing.assert_array_equal(g, [1.0, 1.0])
    assert 0 < error < 1e-14


X, W = np.asarray([[3.0, -1.0], [4.0, 2.0]]), np.asarray([0.02, -0.01])


def test_the_rounding_of_a_quadratic_s_gradient_is_the_size_of_what_is_added():
    problem = Quadratic(np.asarray([[2.0, -1.0], [-1.0, 3.0]]), np.asarray([1.0, -4.0]))
    error = host_loss(problem, W).gradient(W)[1]
    assert error == pytest.approx(
        4 * LONG_EPS * np.linalg.norm([2 * 0.02 + 0.01 + 1, 0.02 + 3 * 0.01 + 4]), rel=1e-12, abs=0
    )


@pytest.mark.parametrize(
    ("kind", "largest"), [(LeastSquares, 1.0), (LogisticRegression, 0.25), (PoissonRegression, 0.0)]
)
def test_the_rounding_of_a_linear_model_s_derivatives_is_the_formula(kind, largest):
    """With p = N = 2 and l2 = ½: δ = 4u |x|ᵀ|w|, and (N + 3) u = 5u of each derivative."""
    problem = kind(X, np.asarray([1, 0]), l2=0.5, intercept=False)
    loss, f = host_loss(problem, W), X @ W
    delta = 4 * LONG_EPS * (np.abs(X) @ np.abs(W))
    p = {LeastSquares: f, LogisticRegression: 1 / (1 + np.exp(-f)), PoissonRegression: np.exp(f)}[kind]
    curvature = {LeastSquares: np.ones(2), LogisticRegression: p * (1 - p), PoissonRegression: p}[kind]
    slope = p - [1, 0]
    own = problem.likelihood.gradient_rounding(f[:, None], np.asarray([[1.0], [0.0]]))[:, 0]
    g = X.T @ slope / 2 + 0.5 * W
    off = np.abs(X).T @ (2 * curvature * delta + LONG_EPS * own + 5 * LONG_EPS * np.abs(slope)) / 2
    off += 4 * LONG_EPS * (0.5 * np.abs(W) + np.abs(g))
    assert loss.gradient(W)[1] == pytest.approx(np.linalg.norm(off), rel=1e-12, abs=0)

    relative = 4 * delta + LONG_EPS * (20 + 4 + 2 + 4 * np.abs(f))
    off = np.mean(np.sum(X**2, axis=1) * (curvature + 2 * largest) * relative) + 4 * LONG_EPS * 0.5
    assert loss.hessian(W)[1] == pytest.approx(off, rel=1e-12, abs=0)

    furthest = np.max(np.abs(X) @ np.abs(W)) + 0.25 * 20**0.5
    assert loss.constants(W, 0.25)[1] == pytest.approx(EPS * (2 + 3 * 2 + 10 + 6 * furthest), rel=1e-12, abs=0)


def test_the_rounding_of_a_hessian_counts_the_outputs():
    W = np.asarray([[0.02, 0.5], [-0.01, -0.25]])
    loss, f = host_loss(LeastSquares(X, np.eye(2), l2=0.5, intercept=False), np.zeros(4)), X @ W
    delta = np.linalg.norm(4 * LONG_EPS * (np.abs(X) @ np.abs(W)), axis=1)
    relative = 4 * delta + LONG_EPS * (20 + 4 * 2 + 2 + 4 * np.max(np.abs(f), axis=1))
    off = np.mean(np.sum(X**2, axis=1) * (2**0.5 + 2 * 1.0) * relative) + 4 * LONG_EPS * 0.5
    assert loss.hessian(W.ravel())[1] == pytest.approx(off, rel=1e-12, abs=0)


@pytest.mark.parametrize(("reach", "known"), [(1.0, True), (1.001, False)])
def test_an_output_may_be_off_by_an_eighth_and_no_more(reach, known):
    loss = host_loss(LeastSquares(np.ones((1, 2)), np.zeros(1), intercept=False), np.zeros(2))
    w = np.asarray([reach / (8 * 4 * LONG_EPS), 0.0])
    assert (loss.gradient(w)[1] < np.inf, loss.hessian(w)[1] < np.inf) == (known, known)


@pytest.mark.parametrize("products", [5, 6, 17, 18])
def test_the_longest_float_is_for_sums_of_no_more_products_than_is_said(products, monkeypatch):
    """Of 2 examples and 3 parameters: 6 for a gradient, 18 for a Hessian."""
    monkeypatch.setattr(module, "LONG_PRODUCTS", products)
    loss = host_loss(LeastSquares(np.ones((2, 3)), np.zeros(2), intercept=False), np.zeros(3))
    floats = [module.LONG if needed <= products else np.float64 for needed in (6, 18)]
    assert [loss.float, loss.float_of_hessian] == floats


def test_the_longest_float_is_for_200_000_products():
    assert [module._float_for(products) for products in (200_000, 200_001)] == [module.LONG, np.float64]


def test_a_quadratic_s_constants_are_its_own():
    problem = Quadratic(np.diag([1.0, 2.0]), np.zeros(2))
    assert host_loss(problem, W).constants(W, 1.0) == (problem.constants(), 0.0)


def test_the_rounding_of_another_loss_is_estimated_by_the_sizes_of_its_parts():
    class Same(LogisticRegression):
        def answer_gradient(self, at):
            return super().answer_gradient(at)

    problem = Same(X, np.asarray([1, 0]), l2=0.5, intercept=False)
    oracle, loss = problem.oracle(W), host_loss(problem, W)
    H, G = oracle.hessian(), oracle.per_example_gradients()
    sizes = np.linalg.norm(oracle.gradient()) + np.linalg.norm(H @ W) + np.mean(np.linalg.norm(G, axis=1))
    assert loss.gradient(W)[1] == pytest.approx(4 * EPS * sizes, rel=1e-12, abs=0)
    assert loss.hessian(W)[1] == pytest.approx(4 * EPS * np.linalg.norm(H), rel=1e-12, abs=0)
    assert loss.constants(W, 1.0) == (problem.constants(W, 1.0), 4 * EPS)
    np.testing.assert_allclose(loss.product(W)(W), H @ W, rtol=1e-12)


def test_a_hessian_is_the_problem_s_or_made_of_its_products():
    A = np.asarray([[2.0, 1.0], [1.0, 3.0]])
    answers = {"hessian": lambda: 2 * A, "hvp": lambda v: A @ v}
    np.testing.assert_array_equal(module.hessian(SimpleNamespace(w=W, offers=answers.keys(), **answers)), 2 * A)
    np.testing.assert_array_equal(module.hessian(SimpleNamespace(w=W, offers={"hvp"}, **answers)), A)


def test_the_rounding_of_a_gradient_without_products_is_estimated_by_its_own_size():
    error = host_loss(Function(2, lambda w: w @ w / 2, lambda w: w), W).gradient(W)[1]
    assert error == pytest.approx(3 * EPS * np.linalg.norm(W), rel=1e-12, abs=0)
