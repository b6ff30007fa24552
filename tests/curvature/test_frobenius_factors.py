"""The nearest Kronecker product in Frobenius norm, against the rearranged block's singular vectors, and as a method."""

import mpmath
import numpy as np
import pytest
from kronecker_truth import PROBLEM, START, X, Y

from sofim_ref import curvature, models, optimizers, problems
from sofim_ref.optimizers import KFAC


def nearest(F, p, q):
    """The first pair of singular vectors of F, its entries put so that A ⊗ G is vec A vec Gᵀ."""
    U, sigma, Vt = np.linalg.svd(F.reshape(p, q, p, q).transpose(0, 2, 1, 3).reshape(p * p, q * q))
    return sigma[0] * np.kron(U[:, 0].reshape(p, p), Vt[0].reshape(q, q))


def empirical(oracle):
    J = oracle.per_example_gradients()
    return J.T @ J / len(J)


def test_it_is_the_first_singular_pair_of_the_rearranged_block():
    rng = np.random.default_rng(0)
    problem = problems.MLPClassifier(rng.standard_normal((9, 3)), np.arange(9) % 3, hidden=(2,))
    oracle = problem.oracle(rng.standard_normal(problem.dim))
    F = empirical(oracle)
    found = curvature.frobenius_factors(oracle, labels="data", iterations=60)
    for layer, (A, G), other in zip(oracle.layers, found, curvature.kfac_factors(oracle, labels="data"), strict=True):
        at = slice(layer.start, layer.stop)
        np.testing.assert_allclose(np.kron(A, G), nearest(F[at, at], layer.rows, layer.columns), atol=1e-10)
        assert np.linalg.norm(A) == pytest.approx(np.linalg.norm(G), rel=1e-12)
        assert min(np.linalg.eigvalsh(A)[0], np.linalg.eigvalsh(G)[0]) > -1e-12
        assert np.linalg.norm(F[at, at] - np.kron(A, G)) < np.linalg.norm(F[at, at] - np.kron(*other))


def test_expected_labels_give_the_fisher_matrix_s_block():
    oracle = problems.SoftmaxRegression(X, np.asarray([0, 1, 2, 1]), intercept=False).oracle(np.linspace(-1, 1, 9))
    ((A, G),) = curvature.frobenius_factors(oracle, labels="expected", iterations=60)
    F = np.asarray(curvature.fisher(oracle).to_dense())
    np.testing.assert_allclose(np.kron(A, G), nearest(F, 3, 3), atol=1e-10)


def test_drawn_labels_are_the_generator_s_and_many_tend_to_the_expected_ones():
    oracle = problems.SoftmaxRegression(X, np.asarray([0, 1, 2, 1]), intercept=False).oracle(np.linspace(-1, 1, 9))
    one, same, other = (
        curvature.frobenius_factors(oracle, np.random.default_rng(seed), samples=2)[0][0] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3
    ((A, G),) = curvature.frobenius_factors(oracle, np.random.default_rng(0), samples=400)
    ((B, H),) = curvature.frobenius_factors(oracle, labels="expected")
    np.testing.assert_allclose(np.kron(A, G), np.kron(B, H), atol=0.02)


def test_one_input_for_all_examples_makes_the_block_the_product_exactly():
    problem = problems.SoftmaxRegression(np.ones((4, 1)) * X[:1], np.asarray([0, 1, 2, 1]), intercept=False)
    oracle = problem.oracle(np.linspace(-1, 1, 9))
    ((A, G),) = curvature.frobenius_factors(oracle, labels="data", iterations=1)
    np.testing.assert_allclose(np.kron(A, G), empirical(oracle), atol=1e-14)
    ((B, H),) = curvature.kfac_factors(oracle, labels="data")
    np.testing.assert_allclose(np.kron(A, G), np.kron(B, H), atol=1e-14)


def test_the_first_update_is_shampoo_s_factor_of_each_example():
    oracle = PROBLEM.oracle(START)
    J = oracle.per_example_gradients().reshape(-1, 3, 2)
    L = np.einsum("nij,nkj->ik", J, J)
    ((A, _),) = curvature.frobenius_factors(oracle, labels="data", iterations=1)
    np.testing.assert_allclose(A / np.linalg.norm(A), L / np.linalg.norm(L), rtol=1e-12)


class Shared(problems.Problem):
    """A layer of two inputs and two outputs at three positions of each of four examples."""

    dim, l2, size, n_outputs = 4, 0.0, 4, 1
    layers = (models.Layer(0, 2, 2),)

    def answer_output_gradient(self, at):
        return np.ones((4, 1))

    def answer_layer_statistics_of(self, at, u):
        h, s = np.random.default_rng(0).standard_normal((2, 4, 3, 2))
        return (models.LayerStatistics(self.layers[0], h, s),)


def test_shared_weights_take_each_example_s_whole_gradient():
    oracle = Shared().oracle(np.zeros(4))
    (flow,) = oracle.layer_statistics_of(np.ones((4, 1)))
    J = np.einsum("nti,ntj->nij", flow.inputs, flow.gradients).reshape(4, 4)
    ((A, G),) = curvature.frobenius_factors(oracle, labels="data", iterations=80)
    np.testing.assert_allclose(np.kron(A, G), nearest(J.T @ J / 4, 2, 2), atol=1e-8)


@pytest.mark.parametrize("steps", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_the_method_s_first_steps_are_the_formula_s_in_50_digits(steps):
    optimizer = KFAC(lr=0.125, damping=0.25, decay=0.5, fit="frobenius")
    line = problems.LeastSquares(X, Y, intercept=False)
    w, truth = START, mpmath.matrix(START.reshape(3, 2).tolist())
    state, factors = optimizer.init(w), None
    for t in range(steps):
        oracle = line.oracle(w)
        u = oracle.sampled_output_gradient(np.random.default_rng((0, t)))
        w, state = optimizer.step(w, state, oracle)
        with mpmath.workdps(50):
            h, s = mpmath.matrix(X.tolist()), mpmath.matrix(np.asarray(u).tolist())
            A, G = exact_fit(h, s)
            kept = min(1 - mpmath.mpf(1) / (t + 1), mpmath.mpf(0.5))
            factors = (
                (A, G) if t == 0 else tuple(kept * a + (1 - kept) * b for a, b in zip(factors, (A, G), strict=True))
            )
            B, H = factors
            pi = mpmath.sqrt(sum(B[i, i] for i in range(3)) / 3 / (sum(H[i, i] for i in range(2)) / 2))
            D = h.T * (h * truth - mpmath.matrix(Y.tolist())) / 4
            U = mpmath.inverse(B + pi * mpmath.eye(3) / 2) * D * mpmath.inverse(H + mpmath.eye(2) / (2 * pi))
            truth = truth - U / 8
            np.testing.assert_allclose(w, [float(x) for x in truth], rtol=1e-10)


def exact_fit(h, s):
    """Five pairs of updates from G = I, written example after example."""
    G = mpmath.eye(2)
    for _ in range(5):
        A = sum((each(h, n, s) * G * each(h, n, s).T for n in range(4)), mpmath.zeros(3, 3))
        A /= mpmath.sqrt(mpmath.fsum(a**2 for a in A))
        G = sum((each(h, n, s).T * A * each(h, n, s) for n in range(4)), mpmath.zeros(2, 2)) / 4
    root = mpmath.sqrt(mpmath.sqrt(mpmath.fsum(g**2 for g in G)))
    return A * root, G / root


def each(h, n, s):
    """The gradient of example n in the layer's matrix."""
    return h[n, :].T * s[n, :]


def test_settings_are_checked():
    oracle = PROBLEM.oracle(START)
    with pytest.raises(ValueError, match=r"iterations must be an integer >= 1, got 0"):
        curvature.frobenius_factors(oracle, labels="data", iterations=0)
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got None"):
        curvature.frobenius_factors(oracle)
    with pytest.raises(ValueError, match=r"fit must be one of 'independent', 'frobenius', got 'nearest'"):
        KFAC(fit="nearest")
    assert optimizers.REGISTRY["kfac-frobenius"].make().fit == "frobenius"
