"""FOOF: K-FAC where output gradients say nothing, Newton's method for least squares, and its own averages."""

import numpy as np
import pytest
from cases import data

from sofim_ref import FOOF, KFAC, SGD, curvature, minimize, problems

X, SCORE, _, LABEL = data(N=12)
NETWORK = problems.MLPClassifier(X, LABEL, hidden=(4,))
W = NETWORK.initial_point()


def test_for_least_squares_with_two_outputs_it_is_newton_s_method():
    problem = problems.LeastSquares(X, np.stack([SCORE, -(SCORE**2)], axis=1))
    w = minimize(problem, FOOF(lr=1.0, damping=1e-12), steps=1).w
    np.testing.assert_allclose(w, problem.optimum(), rtol=1e-9)


def test_where_output_gradients_have_the_identity_for_their_second_moment_it_is_k_fac():
    problem = problems.LeastSquares(X, np.stack([SCORE, -(SCORE**2)], axis=1))
    at, optimizer = problem.oracle(problem.initial_point()), FOOF(damping=1e-12)
    _, choice = optimizer.precondition(optimizer.init(at.w), at)
    kfac = curvature.kfac(at, damping=1e-30, labels="expected")
    np.testing.assert_allclose(choice.matrix.to_dense(), kfac.to_dense(), atol=1e-11)


def test_it_moves_every_neuron_s_outputs_as_a_gradient_step_on_them_would():
    """With fewer examples than inputs λ → 0 meets that exactly: hₙᵀΔ = −η sₙ/B · B, for each example and layer."""
    at, optimizer = NETWORK.oracle(W, np.asarray([0, 1])), FOOF(lr=1.0, damping=1e-10)
    w, _ = optimizer.step(W, optimizer.init(W), at)
    for flow in at.layer_statistics():
        layer = flow.layer
        change = (w - W)[layer.start : layer.stop].reshape(layer.rows, layer.columns)
        np.testing.assert_allclose(flow.inputs @ change, -flow.gradients, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("every", [1, 3])
def test_its_average_is_as_documented(every):
    optimizer, w = FOOF(decay=0.6, update_every=every), W
    state, A = optimizer.init(w), 0.0
    for t in range(7):
        at = NETWORK.oracle(w)
        if t % every == 0:
            kept = min(1 - 1 / (t // every + 1), 0.6)
            new = [h.inputs.T @ h.inputs / len(X) for h in at.layer_statistics()]
            A = kept * A + (1 - kept) * np.concatenate([x.ravel() for x in new])
        w, state = optimizer.step(w, state, at)
        np.testing.assert_allclose(state.inputs, A, rtol=1e-12, atol=1e-15)


def test_a_large_damping_makes_it_gradient_descent_and_it_trains_a_network():
    runs = (FOOF(lr=1e8, damping=1e9), SGD(lr=0.1))
    one, other = (minimize(NETWORK, optimizer, w0=W, steps=5).w for optimizer in runs)
    np.testing.assert_allclose(one, other, rtol=1e-7)
    trace = minimize(NETWORK, FOOF(), steps=60)
    assert trace["loss"][-1] < 0.5 * trace["loss"][0]
    assert FOOF().needs < KFAC().needs | {"output_gradient"}
