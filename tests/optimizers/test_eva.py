"""Eva: SOFIM layer by layer where a batch has one example, and what averages make of it."""

from dataclasses import replace

import numpy as np
from cases import data

from sofim_ref import SGD, SOFIM, Eva, curvature, minimize, problems

X, SCORE, _, LABEL = data(N=12)
NETWORK = problems.MLPClassifier(X, LABEL, hidden=(4,))
W = NETWORK.initial_point()


def test_with_one_example_a_batch_and_no_averages_it_is_sofim_layer_by_layer():
    one = minimize(NETWORK, Eva(lr=0.05, damping=0.1, decay=0.0), w0=W, steps=40, batch_size=1, seed=3)
    sofim = SOFIM(lr=0.05, rho=0.1, beta=0.0, vector="gradient", scope="layer")
    other = minimize(NETWORK, sofim, w0=W, steps=40, batch_size=1, seed=3)
    np.testing.assert_allclose(one.w, other.w, rtol=1e-11)


def test_with_more_examples_or_averages_it_is_not():
    sofim = SOFIM(lr=0.05, rho=0.1, beta=0.0, vector="gradient", scope="layer")
    for decay, size in ((0.0, 2), (0.9, 1)):
        runs = (Eva(lr=0.05, damping=0.1, decay=decay), replace(sofim, beta=decay))
        one, other = (minimize(NETWORK, optimizer, w0=W, steps=5, batch_size=size, seed=3).w for optimizer in runs)
        assert np.max(np.abs(one - other)) > 1e-4


def test_where_all_examples_have_one_input_u_is_the_gradient_of_any_batch():
    problem = problems.SoftmaxRegression(np.repeat(X[:1], 5, axis=0), np.arange(5) % 3)
    at = problem.oracle(problem.initial_point() + 0.1)
    ((a, b),) = curvature.eva_vectors(at)
    np.testing.assert_allclose(np.outer(a, b).ravel(), at.gradient(), atol=1e-15)


def test_its_matrix_is_k_fac_s_product_with_each_factor_a_mean_s_outer_product():
    optimizer, at = Eva(damping=0.1), NETWORK.oracle(W)
    _, choice = optimizer.precondition(optimizer.init(W), at)
    for C, flow in zip(choice.matrix.blocks, at.layer_statistics(), strict=True):
        a, b = flow.inputs.mean(axis=0), flow.gradients.mean(axis=0)
        dense = np.kron(np.outer(a, a), np.outer(b, b))
        np.testing.assert_allclose(C.to_dense(), dense + 0.1 * np.eye(len(dense)), atol=1e-15)


def test_a_large_damping_makes_it_gradient_descent():
    runs = (Eva(lr=1e8, damping=1e9), SGD(lr=0.1))
    one, other = (minimize(NETWORK, optimizer, w0=W, steps=5).w for optimizer in runs)
    np.testing.assert_allclose(one, other, rtol=1e-7)
