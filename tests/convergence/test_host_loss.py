"""Gradient and Hessian on the host are as far from 50 digits as they say at most, and not much less."""

import numpy as np
import pytest
from exact_bound import DIGITS, ExactLoss, norm
from mpmath import mp

from sofim_ref.convergence import host_loss as module
from sofim_ref.convergence.host_loss import host_loss
from sofim_ref.convergence.settled_optimum import settled_optimum
from sofim_ref.matrices.exact import exact
from sofim_ref.problems import LeastSquares, LogisticRegression, PoissonRegression, Quadratic, SoftmaxRegression


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
