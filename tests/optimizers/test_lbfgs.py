"""L-BFGS: SciPy's minimum, its own matrix, and pairs from one batch."""

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize

from sofim_ref import minimize, problems
from sofim_ref.datasets import load
from sofim_ref.optimizers import LBFGS


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


def test_a_pair_of_negative_curvature_is_left_out():
    cap = problems.Function(1, value=lambda w: -(w @ w), gradient=lambda w: -2 * w)
    w = np.ones(1)
    _, state = LBFGS(line_search=False).step(w, LBFGS().init(w), cap.oracle(w))
    assert not state.steps.any()
