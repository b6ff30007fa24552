"""docs/theory/kfac.md: each numbered line on a small network, and the program as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.curvature import ekfac, fisher, frobenius_factors, kfac, kfac_factors

PAGE = (Path(__file__).parents[2] / "docs" / "theory" / "kfac.md").read_text(encoding="utf-8")
norm = np.linalg.norm


@pytest.fixture(scope="module")
def oracle():
    rng = np.random.default_rng(0)
    problem = sr.problems.MLPClassifier(rng.standard_normal((12, 2)), np.arange(12) % 3, hidden=(3,))
    return problem.oracle(problem.initial_point() + 0.3 * rng.standard_normal(problem.dim))


@pytest.fixture(scope="module")
def terms(oracle):
    """A_n and G_n of each layer, and the layer's block of the Fisher matrix."""
    F, S = fisher(oracle).to_dense(), oracle.output_fisher_factor()
    found = []
    for k, layer in enumerate(oracle.layers):
        flows = [oracle.layer_statistics_of(S[:, :, c])[k] for c in range(S.shape[2])]
        A = np.einsum("ni,nj->nij", flows[0].inputs, flows[0].inputs)
        G = sum(np.einsum("ni,nj->nij", flow.gradients, flow.gradients) for flow in flows)
        found.append((A, G, F[layer.start : layer.stop, layer.start : layer.stop]))
    return found


@pytest.mark.slow
def test_the_program_prints_what_it_says(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "kfac.md", "exec"), {})
    promised = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


def test_line_1_an_example_s_gradient_is_a_kronecker_product(oracle):
    each = oracle.per_example_gradients()
    for layer, flow in zip(oracle.layers, oracle.layer_statistics(), strict=True):
        for n in range(oracle.size):
            expected = np.kron(flow.inputs[n], flow.gradients[n])
            np.testing.assert_allclose(each[n, layer.start : layer.stop], expected, atol=1e-14)


def test_lines_2_and_3_the_block_is_a_mean_of_kronecker_products(terms):
    for A, G, block in terms:
        mean = np.mean([np.kron(a, g) for a, g in zip(A, G, strict=True)], axis=0)
        np.testing.assert_allclose(mean, block, atol=1e-14)


def test_line_4_blocks_underestimate_by_no_more_than_the_number_of_layers(oracle):
    F = fisher(oracle).to_dense()
    blocks = np.zeros_like(F)
    for layer in oracle.layers:
        here = slice(layer.start, layer.stop)
        blocks[here, here] = F[here, here]
    assert np.linalg.eigvalsh(2 * blocks - F)[0] >= -1e-12
    assert np.linalg.eigvalsh(1.5 * blocks - F)[0] < 0


def test_lines_5_and_6_the_error_of_the_product_is_a_covariance(oracle, terms):
    for (A, G, block), (left, right) in zip(terms, kfac_factors(oracle, labels="expected"), strict=True):
        np.testing.assert_allclose(left, A.mean(axis=0), atol=1e-14)
        np.testing.assert_allclose(right, G.mean(axis=0), atol=1e-14)
        covariance = np.mean([np.kron(a - left, g - right) for a, g in zip(A, G, strict=True)], axis=0)
        np.testing.assert_allclose(block - np.kron(left, right), covariance, atol=1e-14)


def test_line_6_the_product_is_exact_without_activations_and_with_equal_inputs():
    rng = np.random.default_rng(1)
    linear = sr.problems.MLPRegressor(
        rng.standard_normal((8, 2)), rng.standard_normal(8), hidden=(2,), activation="identity"
    )
    equal = sr.problems.MLPClassifier(np.ones((6, 2)), np.arange(6) % 3, hidden=(2,))
    for problem in (linear, equal):
        oracle = problem.oracle(rng.standard_normal(problem.dim))
        F = fisher(oracle).to_dense()
        for layer, factors in zip(oracle.layers, kfac_factors(oracle, labels="expected"), strict=True):
            block = F[layer.start : layer.stop, layer.start : layer.stop]
            np.testing.assert_allclose(np.kron(*factors), block, atol=1e-13)


def test_line_7_a_drawn_label_is_right_on_average(oracle):
    drawn = [kfac_factors(oracle, np.random.default_rng(seed))[1][1] for seed in range(150)]
    expected = kfac_factors(oracle, labels="expected")[1][1]
    off = np.abs(np.mean(drawn, axis=0) - expected)
    assert np.all(off <= 4.5 * np.std(drawn, axis=0) / 150**0.5 + 1e-12)


def test_lines_8_and_9_the_excess_of_the_damping_and_the_pi_that_makes_it_smallest(oracle):
    damping, factors = 1e-2, kfac_factors(oracle, labels="expected")
    blocks = kfac(oracle, damping=damping, factors=factors).blocks
    scaled = kfac(oracle, damping=damping, factors=[(3 * A, G / 3) for A, G in factors]).blocks
    for C, same, (A, G) in zip(blocks, scaled, factors, strict=True):
        p, q = len(A), len(G)
        pi = ((np.trace(A) / p) / (np.trace(G) / q)) ** 0.5
        np.testing.assert_allclose(C.left, A + pi * damping**0.5 * np.eye(p), rtol=1e-12)
        np.testing.assert_allclose(same.to_dense(), C.to_dense(), rtol=1e-10, atol=1e-15)

        def excess(pi, A=A, G=G, p=p, q=q):
            return damping**0.5 * (pi * np.kron(np.eye(p), G) + np.kron(A, np.eye(q)) / pi)

        wanted = np.kron(A, G) + damping * np.eye(p * q)
        np.testing.assert_allclose(C.to_dense(), wanted + excess(pi), rtol=1e-10, atol=1e-15)
        assert np.linalg.eigvalsh(excess(pi))[0] >= -1e-14
        assert all(np.trace(excess(pi)) < np.trace(excess(t * pi)) for t in (0.5, 0.9, 1.1, 2.0))
        g = np.random.default_rng(2).standard_normal(p * q)
        assert g @ C.solve(g) <= g @ np.linalg.solve(wanted, g)


def test_lines_10_and_11_ekfac_and_the_nearest_product_are_nearer(oracle, terms):
    tiny = 1e-14
    best = ekfac(oracle, damping=tiny, labels="expected").blocks
    products, nearest = (
        [np.kron(*pair) for pair in found]
        for found in (
            kfac_factors(oracle, labels="expected"),
            frobenius_factors(oracle, labels="expected", iterations=50),
        )
    )
    for (_, _, block), C, product, near in zip(terms, best, products, nearest, strict=True):
        assert norm(block - C.to_dense()) <= norm(block - product) + 1e-12
        assert norm(block - near) <= norm(block - product) + 1e-12
