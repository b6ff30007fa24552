"""Gradient and Hessian on the host are as far from 50 digits as they say at most, and not much less."""

import sys

import numpy as np
import pytest
from exact_bound import DIGITS, ExactLoss, norm
from mpmath import mp

from sofim_ref.convergence import host_loss as module
from sofim_ref.convergence.host_loss import HostLoss, host_loss
from sofim_ref.convergence.rounding import deviation
from sofim_ref.convergence.settled_optimum import settled_optimum
from sofim_ref.convergence.spectral import StepNorms
from sofim_ref.matrices import Diagonal
from sofim_ref.matrices.exact import exact
from sofim_ref.problems import (
    Constants,
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


EPS = float(np.finfo(np.float64).eps)
LONG = float(np.finfo(module.LONG).eps)
LOWEST = 1.0 - 0.125 - 2 * 4 * EPS
X, W = np.asarray([[3.0, -1.0], [4.0, 2.0]]), np.asarray([0.02, -0.01])


def test_the_rounding_of_a_quadratic_s_gradient_is_the_size_of_what_is_added():
    problem = Quadratic(np.asarray([[2.0, -1.0], [-1.0, 3.0]]), np.asarray([1.0, -4.0]))
    error = host_loss(problem, W).gradient(W)[1]
    assert error == pytest.approx(4 * LONG * np.linalg.norm([2 * 0.02 + 0.01 + 1, 0.02 + 3 * 0.01 + 4]), rel=1e-12)


@pytest.mark.parametrize(("kind", "largest"), [(LeastSquares, 1.0), (LogisticRegression, 0.25)])
def test_the_rounding_of_a_linear_model_s_derivatives_is_the_formula(kind, largest):
    """With p = N = 2 and l2 = ½: δ = 4u |x|ᵀ|w|, and (N + 3) u = 5u of each derivative."""
    problem = kind(X, np.asarray([1, 0]), l2=0.5, intercept=False)
    loss, f = host_loss(problem, W), X @ W
    delta = 4 * LONG * (np.abs(X) @ np.abs(W))
    p = 1 / (1 + np.exp(-f))
    slope, curvature = (f - [1, 0], np.ones(2)) if kind is LeastSquares else (p - [1, 0], p * (1 - p))
    own = problem.likelihood.gradient_rounding(f[:, None], np.asarray([[1.0], [0.0]]))[:, 0]
    g = X.T @ slope / 2 + 0.5 * W
    off = np.abs(X).T @ (2 * curvature * delta + LONG * own + 5 * LONG * np.abs(slope)) / 2
    off += 4 * LONG * (0.5 * np.abs(W) + np.abs(g))
    assert loss.gradient(W)[1] == pytest.approx(np.linalg.norm(off), rel=1e-12)

    relative = 4 * delta + LONG * (20 + 4 + 2 + 4 * np.abs(f))
    off = np.mean(np.sum(X**2, axis=1) * (curvature + 2 * largest) * relative) + 4 * LONG * 0.5
    assert loss.hessian(W)[1] == pytest.approx(off, rel=1e-12)

    furthest = np.max(np.abs(X) @ np.abs(W)) + 0.25 * 20**0.5
    assert loss.constants(W, 0.25)[1] == pytest.approx(EPS * (2 + 3 * 2 + 10 + 6 * furthest), rel=1e-12)


@pytest.mark.parametrize(("reach", "known"), [(0.999, True), (1.001, False)])
def test_an_output_may_be_off_by_an_eighth_and_no_more(reach, known):
    loss = host_loss(LeastSquares(np.ones((1, 1)), np.zeros(1), intercept=False), np.zeros(1))
    w = np.asarray([reach / (8 * 3 * LONG)])
    assert (loss.gradient(w)[1] < np.inf, loss.hessian(w)[1] < np.inf) == (known, known)


def test_the_rounding_of_another_loss_is_estimated_by_the_sizes_of_its_parts():
    class Same(LogisticRegression):
        def answer_gradient(self, at):
            return super().answer_gradient(at)

    problem = Same(X, np.asarray([1, 0]), l2=0.5, intercept=False)
    oracle, loss = problem.oracle(W), host_loss(problem, W)
    H, G = oracle.hessian(), oracle.per_example_gradients()
    sizes = np.linalg.norm(oracle.gradient()) + np.linalg.norm(H @ W) + np.mean(np.linalg.norm(G, axis=1))
    assert loss.gradient(W)[1] == pytest.approx(4 * EPS * sizes, rel=1e-12)
    assert loss.hessian(W)[1] == pytest.approx(4 * EPS * np.linalg.norm(H), rel=1e-12)
    assert loss.constants(W, 1.0) == (problem.constants(W, 1.0), 4 * EPS)
    np.testing.assert_allclose(loss.product(W)(W), H @ W, rtol=1e-12)


class Known(HostLoss):
    """A loss whose gradient and Hessian are the same everywhere, and off by known amounts."""

    def __init__(self, gradient, hessian):
        self.known = np.asarray(gradient[0]), gradient[1]
        self.curvature = np.asarray(hessian[0]), hessian[1]

    def gradient(self, w):
        return self.known

    def hessian(self, w):
        return self.curvature

    def product(self, w):
        return self.curvature[0].__matmul__

    def constants(self, center, radius):
        return Constants(), 0.0


@pytest.mark.parametrize(
    ("mu", "M", "off"),
    [
        (2.0, None, 5.5 / 2),
        (0.0, None, np.inf),
        (None, None, np.inf),
        (None, 0.0, 5.5 / LOWEST),
        (None, 1e-3, 2 * 5.5 / LOWEST),
        (None, LOWEST**2 / (2 * 5.5), 2 * 5.5 / LOWEST),
        (None, LOWEST**2 / (2 * 5.49), np.inf),
        (0.1, 0.0, 5.5 / LOWEST),
    ],
)
def test_the_distance_of_the_true_optimum_is_what_the_theorems_give(mu, M, off):
    """With γ = ‖(3, 4)‖ + ½ and a Hessian of diag(1, 4) ± ⅛."""
    loss = Known(([3.0, 4.0], 0.5), (np.diag([1.0, 4.0]), 0.125))
    known = Constants(mu=mu, hessian_lipschitz=M)
    settled, found = settled_optimum(loss, np.ones(2), known)
    assert settled.tolist() == [1.0, 1.0]
    assert found == pytest.approx(off, rel=1e-15)


@pytest.mark.parametrize(("size", "off"), [(2, 5.5 / LOWEST), (1, np.inf)])
def test_no_hessian_is_made_beyond_the_size_that_is_written_out(size, off, monkeypatch):
    monkeypatch.setattr(sys.modules[settled_optimum.__module__], "DENSE", size)
    loss = Known(([3.0, 4.0], 0.5), (np.diag([1.0, 4.0]), 0.125))
    assert settled_optimum(loss, np.ones(2), Constants(hessian_lipschitz=0.0))[1] == pytest.approx(off, rel=1e-15)


def test_an_indefinite_hessian_proves_nothing():
    loss = Known(([3.0, 4.0], 0.5), (np.diag([-1.0, 4.0]), 0.0))
    assert settled_optimum(loss, np.ones(2), Constants(hessian_lipschitz=0.0))[1] == np.inf
    loss = Known(([3.0, 4.0], 0.5), (np.diag([np.inf, 4.0]), 0.0))
    assert settled_optimum(loss, np.ones(2), Constants(mu=1.0, hessian_lipschitz=0.0))[1] == 5.5


@pytest.mark.parametrize("solve_error", [0.0, 1e-3, 0.2])
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(("way", "gradient_error"), [((1.0, 2.0), 0.5), ((1.0, 2.0), 0.0), ((0.75, 0.5), 0.0)])
def test_the_deviation_of_a_step_is_its_residual_and_what_is_not_known_of_it(way, gradient_error, dense, solve_error):
    """C = diag(2, 4), η = ½ and g = (3, 4), so that the residual of a step of (¾, ½) is 0."""
    matrix, C, g = Diagonal(np.asarray([2.0, 4.0])), np.asarray([2.0, 4.0]), np.asarray([3.0, 4.0])
    inverse_error = max(0.0, solve_error / (2 * 4 * EPS) - 0.5)
    norms = StepNorms(matrix, np.diag(C) if dense else None, inverse=0.5, inverse_error=inverse_error, largest=4.0)
    inverse = 0.5 + inverse_error
    assert norms.solve_error == pytest.approx(2 * inverse * 4 * EPS, rel=1e-15)

    found = deviation(norms, Known((g, gradient_error), (np.eye(2), 0.0)), np.ones(2), 1.0 - np.asarray(way), 0.5)
    r, length = C * way - 0.5 * g, np.linalg.norm
    off = 3 * LONG * length(C) * length(way) if dense else (2 + matrix.dense_bound()) * EPS * 4 * length(way)
    off += 0.5 * gradient_error + 2 * LONG * (length(C * way) + 0.5 * 5)
    expected = inverse * (length(r) + off)
    if solve_error < 0.1:
        expected = length(r / C) * (1 + 2 * norms.solve_error) + inverse * off
    assert found == pytest.approx(expected, rel=1e-13)


def test_a_residual_that_overflows_allows_for_anything():
    norms = StepNorms(Diagonal(np.ones(2)), np.eye(2), inverse=1.0, inverse_error=0.0, largest=1.0)
    loss = Known(([np.inf, 0.0], 0.0), (np.eye(2), 0.0))
    assert deviation(norms, loss, np.ones(2), np.ones(2), 0.5) == np.inf
