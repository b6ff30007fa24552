"""Adam and AdamW against torch.optim."""

import numpy as np
import pytest
from trajectories import torch_steps

from sofim_ref import minimize, problems
from sofim_ref.optimizers import Adam, AdamW

A = np.diag([1.0, 10.0, 100.0]) + 0.5
PROBLEM = problems.Quadratic(A, np.asarray([1.0, -2.0, 3.0]))
START = np.asarray([1.0, -1.0, 0.5])


def gradient(w):
    return A @ w - np.asarray([1.0, -2.0, 3.0])


@pytest.mark.parametrize(
    ("optimizer", "name", "settings"),
    [
        (Adam(lr=0.05), "Adam", {"lr": 0.05}),
        # with a larger lr so short a memory bounces about the minimum, and multiplies rounding
        (Adam(0.002, 0.5, 0.9, 1e-4), "Adam", {"lr": 0.002, "betas": (0.5, 0.9), "eps": 1e-4}),
        (AdamW(lr=0.05), "AdamW", {"lr": 0.05}),
        (AdamW(lr=0.05, weight_decay=0.3), "AdamW", {"lr": 0.05, "weight_decay": 0.3}),
    ],
    ids=["defaults", "all settings", "AdamW", "AdamW, much decay"],
)
def test_two_hundred_steps_are_torch_s(optimizer, name, settings):
    pytest.importorskip("torch")
    trace = minimize(PROBLEM, optimizer, steps=200, w0=START, store_points=True)
    expected = torch_steps(name, gradient, START, 200, **settings)
    np.testing.assert_allclose(np.stack(trace.points), expected, rtol=1e-10, atol=1e-12)


def test_the_problem_s_l2_is_torch_s_weight_decay_inside_the_gradient():
    pytest.importorskip("torch")
    X, y = np.asarray([[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]]), np.asarray([1.0, 0.0, 2.0])
    plain, with_l2 = (problems.LeastSquares(X, y, l2=l2) for l2 in (0.0, 0.1))
    trace = minimize(with_l2, Adam(lr=0.05), steps=50, store_points=True)
    expected = torch_steps("Adam", lambda w: plain.oracle(w).gradient(), np.zeros(3), 50, lr=0.05, weight_decay=0.1)
    np.testing.assert_allclose(np.stack(trace.points), expected, rtol=1e-10, atol=1e-12)


def test_adamw_is_adam_with_decay():
    one, other = (minimize(PROBLEM, o, steps=5, w0=START).w for o in (AdamW(), Adam(weight_decay=1e-2)))
    assert one.tolist() == other.tolist()
