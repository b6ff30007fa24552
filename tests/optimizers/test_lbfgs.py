"""L-BFGS: SciPy's minimum, its own matrix, and pairs from one batch."""

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize

from sofim_ref import minimize, problems
from sofim_ref.datasets import load
from sofim_ref.optimizers import LBFGS, LBFGSState

EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("name", ["breast-cancer", "diabetes"])
def test_the_full_batch_reaches_scipy_s_minimum(name):
    problem = load(name, l2=1e-3).train
    trace = minimize(problem, LBFGS(), steps=500, tolerance=1e-9)
    found = scipy_minimize(
        lambda w: float(problem.oracle(w).value()),
        np.zeros(problem.dim),
        jac=lambda w: problem.oracle(w).gradient(),
        method="L-BFGS-B",
        options={"maxiter": 5000, "maxfun": 20000, "ftol": 1e-16, "gtol": 1e-9},
    )
    assert trace.status.name == "CONVERGED"
    # gradients of 1e-9 over a curvature of at least l2 = 1e-3
    np.testing.assert_allclose(trace.w, found.x, rtol=0, atol=1e-5)
    assert trace["loss"][-1] <= found.fun + 1e-12


def test_the_valley_of_rosenbrock_is_followed_to_its_end():
    trace = minimize(problems.Rosenbrock(), LBFGS(), steps=200, tolerance=1e-9)
    np.testing.assert_allclose(trace.w, [1.0, 1.0], atol=1e-8)


def test_the_first_step_is_no_longer_than_lr():
    problem = problems.Quadratic(100 * np.eye(2), np.zeros(2))
    w = np.asarray([3.0, 4.0])
    following, _ = LBFGS(lr=0.5, line_search=False).step(w, LBFGS().init(w), problem.oracle(w))
    assert np.linalg.norm(following - w) == pytest.approx(0.5, rel=1e-12)


def test_a_pair_holds_the_change_of_the_gradient_on_the_batch_of_the_step():
    problem = load("iris", l2=1e-2).train
    optimizer, w = LBFGS(history=2), problem.initial_point()
    batch = np.arange(10)
    following, state = optimizer.step(w, optimizer.init(w), problem.oracle(w, batch))
    change = problem.oracle(following, batch).gradient() - problem.oracle(w, batch).gradient()
    np.testing.assert_array_equal(state.steps[-1], following - w)
    np.testing.assert_array_equal(state.changes[-1], change)
    assert not state.steps[0].any()


@pytest.mark.parametrize(("curvature", "kept"), [(-2.0, False), (EPS, False), (2 * EPS, True)])
def test_a_pair_without_positive_curvature_is_left_out(curvature, kept):
    """With g = c w and w = 1 the pair is s = −c, y = −c²: no curvature beyond rounding if c ≤ eps."""
    bowl = problems.Function(1, value=lambda w: curvature / 2 * (w @ w), gradient=lambda w: curvature * w)
    w = np.ones(1)
    _, state = LBFGS(line_search=False).step(w, LBFGS().init(w), bowl.oracle(w))
    assert state.steps.any() == kept


def test_the_matrix_starts_from_the_newest_pair():
    S = np.random.default_rng(0).standard_normal((3, 2))
    Y = S * [0.5, 0.25]
    assert 0 < S[2] @ Y[2] < 1
    problem, w = problems.Quadratic(np.eye(2), np.zeros(2)), np.ones(2)
    state, choice = LBFGS(history=3).precondition(LBFGSState(3, S, Y), problem.oracle(w))
    assert state.step == 4
    assert choice.matrix.scale == pytest.approx(Y[2] @ Y[2] / (S[2] @ Y[2]), rel=1e-14)
