"""EKFAC: the diagonal of the Fisher matrix in K-FAC's eigenbasis, which no other diagonal beats, and its limits."""

import numpy as np
import pytest
from cases import data

from sofim_ref import EKFAC, curvature, minimize, problems
from sofim_ref.curvature.ekfac import eigenbases, rotated_squares

X, SCORE, _, LABEL = data(N=12)
NETWORK = problems.MLPClassifier(X, LABEL, hidden=(4,), l2=1e-3)
W = NETWORK.initial_point()


def blocks(problem, dense):
    return [dense[layer.start : layer.stop, layer.start : layer.stop] for layer in problem.layers]


@pytest.mark.parametrize(
    ("labels", "truth"), [("expected", curvature.fisher), ("data", curvature.empirical_fisher)], ids=["model", "data"]
)
def test_its_diagonal_is_that_of_the_fisher_matrix_in_k_fac_s_basis_and_no_product_of_eigenvalues_is_nearer(
    labels, truth
):
    at = NETWORK.oracle(W)
    found = curvature.ekfac(at, damping=1e-9, labels=labels)
    kfac = curvature.kfac(at, damping=1e-30, labels=labels)
    fisher = blocks(NETWORK, truth(at).to_dense())
    for C, K, F in zip(found.blocks, kfac.blocks, fisher, strict=True):
        Q = np.kron(C.left, C.right)
        np.testing.assert_allclose(C.values, np.diagonal(Q.T @ F @ Q) + 1e-9, rtol=1e-9, atol=1e-15)
        assert np.linalg.norm(C.to_dense() - F) < np.linalg.norm(K.to_dense() - F)


def test_one_layer_and_one_input_make_it_the_fisher_matrix():
    problem = problems.SoftmaxRegression(np.repeat(X[:1], 5, axis=0), np.arange(5) % 3)
    at = problem.oracle(problem.initial_point() + 0.1)
    C = curvature.ekfac(at, damping=1e-3, labels="expected")
    np.testing.assert_allclose(C.to_dense(), curvature.fisher(at, damping=1e-3).to_dense(), atol=1e-14)


def test_draws_of_labels_have_the_exact_squares_for_their_mean():
    at = NETWORK.oracle(W)
    bases = eigenbases(curvature.kfac_factors(at, labels="expected"))
    exact = curvature.ekfac_squares(at, bases, labels="expected")
    drawn = curvature.ekfac_squares(at, bases, np.random.default_rng(0), samples=500)
    assert np.linalg.norm(drawn - exact) < 0.1 * np.linalg.norm(exact)


@pytest.mark.parametrize("start", ["batch", "eigenvalues"])
@pytest.mark.parametrize("every", [1, 3])
def test_its_averages_are_as_documented(start, every):
    settings = {"decay": 0.6, "diagonal_decay": 0.5, "update_every": every, "start": start, "labels": "data"}
    optimizer, w = EKFAC(lr=0.1, damping=0.1, **settings), W
    state, A, s = optimizer.init(w), None, None
    for t in range(7):
        at, k = NETWORK.oracle(w), t % every
        if k == 0:
            kept = min(1 - 1 / (t // every + 1), 0.6)
            new = curvature.kfac_factors(at, labels="data")
            A = (
                new
                if A is None
                else [
                    tuple(kept * x + (1 - kept) * y for x, y in zip(*p, strict=True)) for p in zip(A, new, strict=True)
                ]
            )
            bases = eigenbases(A)
            s = np.concatenate([b.values for b in bases])
        kept = 0.5 if start == "eigenvalues" else min(1 - 1 / (k + 1), 0.5)
        s = kept * s + (1 - kept) * curvature.ekfac_squares(at, bases, labels="data")
        _, choice = optimizer.precondition(state, at)
        w, state = optimizer.step(w, state, at)
        np.testing.assert_allclose(state.squares, s, rtol=1e-10, atol=1e-14)
        for C, block, layer in zip(choice.matrix.blocks, bases, NETWORK.layers, strict=True):
            Q = np.kron(block.left, block.right)
            a = s[layer.start : layer.stop] + 0.1 + 1e-3
            np.testing.assert_allclose(C.to_dense(), (Q * a) @ Q.T, atol=1e-12)


def test_it_trains_a_network_with_either_labels():
    for optimizer in (EKFAC(), EKFAC(labels="data", start="eigenvalues", update_every=2)):
        trace = minimize(NETWORK, optimizer, steps=60)
        assert trace["loss"][-1] < 0.5 * trace["loss"][0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": "expected"}, "labels must be"),
        ({"start": "zero"}, "start must be"),
        ({"diagonal_decay": 1.0}, r"diagonal_decay must be a number in \[0, 1\)"),
        ({"update_every": 0}, "update_every must be"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        EKFAC(**settings)


def test_shared_weights_take_an_example_s_whole_gradient():
    rng = np.random.default_rng(0)
    h, S, R = rng.standard_normal((5, 3, 4)), rng.standard_normal((5, 2, 3, 6)), rng.standard_normal((5, 2, 2))
    g = np.einsum("ntr,nctk->ncrk", h, S)
    M = R @ R.swapaxes(1, 2)
    np.testing.assert_allclose(rotated_squares(h, S[:, :1]), np.mean(g[:, 0] ** 2, axis=0), rtol=1e-12)
    np.testing.assert_allclose(rotated_squares(h, S, M), np.einsum("ncrk,ncd,ndrk->rk", g, M, g) / 5, rtol=1e-11)
    one = rotated_squares(h[:, :1], S[:, :, :1], M)
    np.testing.assert_allclose(
        one, np.einsum("nr,nck,ncd,ndk->rk", h[:, 0] ** 2, S[:, :, 0], M, S[:, :, 0]) / 5, rtol=1e-11
    )


def test_with_the_products_of_eigenvalues_it_is_k_fac_with_damping_of_the_product():
    optimizer, at = EKFAC(damping=0.1, labels="data", start="eigenvalues", diagonal_decay=1 - 1e-12), NETWORK.oracle(W)
    _, choice = optimizer.precondition(optimizer.init(W), at)
    factors = curvature.kfac_factors(at, labels="data")
    for C, (A, G) in zip(choice.matrix.blocks, factors, strict=True):
        K = np.kron(A, G)
        np.testing.assert_allclose(C.to_dense(), K + (0.1 + 1e-3) * np.eye(len(K)), atol=1e-11)


def test_a_layer_of_one_parameter_is_divided_by_its_gradients_mean_square():
    problem = problems.LeastSquares(X[:, :1], SCORE, intercept=False)
    at, optimizer = problem.oracle(np.asarray([0.5])), EKFAC(damping=0.1, labels="data")
    _, choice = optimizer.precondition(optimizer.init(at.w), at)
    squares = np.mean(at.per_example_gradients() ** 2)
    np.testing.assert_allclose(choice.matrix.to_dense(), [[squares + 0.1]], rtol=1e-12)
