"""Root-free RMSProp: what B and the missing root make of RMSProp."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from cases import data

from sofim_ref import curvature, problems
from sofim_ref.optimizers import RootFreeRMSProp

X, SCORE, LABEL, _ = data(N=6)


@pytest.mark.slow
def test_its_average_is_torch_s_but_for_the_batch_s_size_and_the_start_and_its_step_has_no_root():
    torch = pytest.importorskip("torch")
    problem, w = problems.LeastSquares(X, SCORE), np.zeros(4)
    there = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    peer, optimizer = torch.optim.RMSprop([there], lr=0.1, alpha=0.9), RootFreeRMSProp(lr=0.1, beta2=0.9, damping=1e-8)
    state = optimizer.init(w)
    for t in range(1, 21):
        g = problem.gradient(w)
        there.grad, before = torch.tensor(g), there.detach().numpy().copy()
        peer.step()
        following, state = optimizer.step(w, state, problem.oracle(w))
        average = peer.state[there]["square_avg"].numpy()
        np.testing.assert_allclose(state.fisher, 6 * average + 0.9**t, rtol=1e-12)
        np.testing.assert_allclose(before - there.detach().numpy(), 0.1 * g / (np.sqrt(average) + 1e-8), rtol=1e-9)
        np.testing.assert_allclose(w - following, 0.1 * g / (6 * average + 0.9**t + 1e-8), rtol=1e-9)
        w = following


def test_where_gradients_have_mean_zero_its_square_is_the_empirical_fisher_s_diagonal_in_expectation():
    problem = problems.LeastSquares(X, SCORE)
    w = problem.optimum()
    squares = [
        2 * problem.oracle(w, np.asarray(rows)).gradient() ** 2 for rows in itertools.product(range(6), repeat=2)
    ]
    fisher = np.diagonal(curvature.empirical_fisher(problem.oracle(w)).to_dense())
    np.testing.assert_allclose(np.mean(squares, axis=0), fisher, rtol=1e-12)


def test_rescaled_parameters_take_the_same_path_up_to_damping():
    scale = np.asarray([1e3, 1.0, 1e-2])
    optimizer, ends = RootFreeRMSProp(lr=0.05, beta1=0.5, beta2=0.9, damping=1e-30), []
    for a in (np.ones(3), scale):
        problem, w = problems.LogisticRegression(X * a, LABEL, intercept=False), np.ones(3) / a
        state = replace(optimizer.init(w), fisher=a * a)  # s₀ is in units of a squared gradient too
        for _ in range(30):
            w, state = optimizer.step(w, state, problem.oracle(w))
        ends.append(w * a)
    np.testing.assert_allclose(*ends, rtol=1e-10)
