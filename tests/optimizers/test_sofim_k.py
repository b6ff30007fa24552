"""Rank-k SOFIM: SOFIM and the empirical natural gradient as its two ends."""

import numpy as np
import pytest
from cases import data

from sofim_ref import SOFIM, NaturalGradient, RankKSOFIM, curvature, minimize
from sofim_ref.problems import LogisticRegression, Quadratic

X, _, LABEL, _ = data(N=8)
PROBLEM = LogisticRegression(X, LABEL)
W = np.linspace(-1, 1, 4)


@pytest.mark.parametrize("vector", ["moment", "gradient"])
@pytest.mark.parametrize("bias_correction", [True, False])
def test_with_one_column_it_is_sofim(vector, bias_correction):
    settings = {"lr": 0.3, "rho": 0.2, "vector": vector, "bias_correction": bias_correction}
    one, other = (
        minimize(PROBLEM, method, steps=30, batch_size=3, seed=1, w0=W)
        for method in (SOFIM(**settings), RankKSOFIM(columns=1, **settings))
    )
    np.testing.assert_allclose(other.w, one.w, rtol=1e-11)


def after_every_example(optimizer):
    """The state and the choice after a gradient of each example, all at one point."""
    state = optimizer.init(W)
    for i in range(len(X)):
        state, choice = optimizer.precondition(state, PROBLEM.oracle(W, np.asarray([i])))
    return state, choice


def test_with_the_gradients_of_all_examples_at_a_point_it_is_the_empirical_natural_gradient():
    optimizer = RankKSOFIM(rho=0.1, columns=len(X), collected="gradient", vector="gradient")
    _, choice = after_every_example(optimizer)
    whole = PROBLEM.oracle(W)
    truth = curvature.empirical_fisher(whole, damping=0.1).to_dense()
    np.testing.assert_allclose(choice.matrix.to_dense(), truth, rtol=1e-13, atol=1e-16)
    natural = NaturalGradient(lr=1.0, damping=0.1, fisher="empirical")
    step = W - natural.step(W, natural.init(W), whole)[0]
    np.testing.assert_allclose(choice.matrix.solve(whole.gradient()), step, rtol=1e-11)


def test_with_their_average_as_v_and_no_memory_lost_the_whole_step_is_its():
    """With β near 1 and its correction, M̂ is the plain mean of the gradients, of all the examples."""
    optimizer = RankKSOFIM(lr=0.5, rho=0.1, beta=1 - 1e-9, columns=len(X), collected="gradient")
    _, choice = after_every_example(optimizer)
    natural = NaturalGradient(lr=1.0, damping=0.1, fisher="empirical")
    step = W - natural.step(W, natural.init(W), PROBLEM.oracle(W))[0]
    np.testing.assert_allclose(choice.direction, step, rtol=1e-6)


def test_the_window_forgets_what_is_older_than_k_steps():
    optimizer, problem = RankKSOFIM(rho=1.0, columns=2, collected="gradient"), Quadratic(np.eye(3), np.zeros(3))
    state = optimizer.init(np.zeros(3))
    for i in range(3):
        state, choice = optimizer.precondition(state, problem.oracle(2.0 * np.eye(3)[i]))
        kept = sum(np.diag(4.0 * np.eye(3)[j]) for j in range(max(0, i - 1), i + 1)) / min(i + 1, 2)
        np.testing.assert_allclose(choice.matrix.to_dense(), np.eye(3) + kept, rtol=1e-15)


@pytest.mark.parametrize("kind", ["moment", "gradient"])
def test_no_direction_is_longer_than_its_radius_and_one_comes_near(kind):
    rng, longest = np.random.default_rng(0), 0.0
    optimizer = RankKSOFIM(rho=0.3, columns=4, collected=kind, vector=kind, beta=0.5)
    for size in (0.1, 0.5, 1.0, 2.0, 10.0):
        state = optimizer.init(W)
        for _ in range(6):
            g = size * rng.standard_normal(4)
            state, choice = optimizer.precondition(state, Quadratic(np.eye(4), -g).oracle(np.zeros(4)))
            share = np.linalg.norm(choice.direction) / choice.radius
            longest = max(longest, share)
            assert share <= 1 + 1e-12
    assert longest > 0.8
    assert RankKSOFIM(collected="gradient").precondition(optimizer.init(W), PROBLEM.oracle(W))[1].radius is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rho": 0.0}, r"rho must be a finite number > 0, got 0\.0"),
        ({"columns": 0}, r"columns must be an integer >= 1, got 0"),
        ({"collected": "hessian"}, r"collected must be one of 'moment', 'gradient', got 'hessian'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RankKSOFIM(**settings)
