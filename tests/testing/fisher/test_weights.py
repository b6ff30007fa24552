"""Weights on the examples are found, said in a sentence, and not seen where there are none or too few numbers."""

import importlib.util

import numpy as np
import pytest

from sofim_ref.problems import MLPRegressor
from sofim_ref.testing import check_fisher
from sofim_ref.testing.museum import setting


def verdict(at, F):
    return check_fisher(F, at.problem, at.w, at.batch)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("yes or no", "numbers", "counts", "mean and spread")]


@pytest.mark.parametrize("name", ["classes", *SLOW])
@pytest.mark.parametrize("form", ["whole", "diagonal", "function"])
def test_weights_of_the_empirical_fisher_are_found(name, form):
    at = setting(name)
    few = at.g[:6] if form == "diagonal" else at.g  # a diagonal of d numbers tells few weights
    batch, weights = at.batch[: len(few)], np.linspace(0.5, 3.0, len(few))
    F = few.T @ (weights[:, None] * few) / len(few)
    given = {"whole": F, "diagonal": np.diag(F).copy(), "function": lambda v: F @ v}[form]
    found = check_fisher(given, at.problem, at.w, batch)
    assert (found.kind, found.matrix) == ("weighted", "empirical Fisher"), str(found)
    assert "The weights go from 0.5 to 3." in str(found)
    assert found.part == ("diagonal" if form == "diagonal" else "whole")


def test_those_of_the_exact_fisher_are_too():
    at = setting("classes")
    H = np.where(at.y == 1, 4.0, 1.0)[:, None, None] * at.oracle.output_fisher()
    found = verdict(at, at.sandwich(H))
    assert found.matrix == "exact Fisher"
    ones = int(np.sum(at.y == 1))
    assert f"The weights are 1 ({at.B - ones} examples), 4 ({ones} examples)." in str(found)


def test_an_example_that_is_left_out_is_named():
    at = setting("numbers")
    kept = np.delete(np.arange(at.B), 7)
    found = verdict(at, at.g[kept].T @ at.g[kept] / at.B)
    assert str(found).endswith("The weights are 0 (1 example), 1 (19 examples). Left out: example 8 of the batch.")


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["yes or no", "counts"])
def test_one_sampled_matrix_of_one_output_is_not_called_weighted(name, seed):
    at, rng = setting(name, seed), np.random.default_rng(seed)
    u = at.oracle.sampled_output_gradient(rng)
    g = at.back(u)
    for F in (g.T @ g / at.B, g.T @ g):
        found = verdict(at, F)
        assert found.matrix is None, found
        assert "labels drawn from the model give such weights. Ask with draws=" in str(found)


@pytest.mark.parametrize(
    "labels", [2, pytest.param(7, marks=pytest.mark.slow), pytest.param(16, marks=pytest.mark.slow)]
)
def test_one_sampled_matrix_of_several_counts_an_example_is_not_either(labels):
    at, rng = setting("counts"), np.random.default_rng(0)
    gradients = [at.back(at.oracle.sampled_output_gradient(rng)) for _ in range(labels)]
    for scale in (1, 1 / labels, at.B):
        found = verdict(at, scale * sum(g.T @ g for g in gradients) / at.B)
        assert (found.matrix, "Ask with draws=" in str(found)) == (None, True), found


def test_one_sampled_matrix_of_a_line_is_not_either():
    rng = np.random.default_rng(0)
    problem = MLPRegressor(rng.standard_normal((20, 3)), rng.standard_normal(20), hidden=(5,))
    w = rng.standard_normal(problem.dim)
    oracle = problem.oracle(w)
    g = oracle.per_example_gradients() * (oracle.sampled_output_gradient(rng) / oracle.output_gradient())
    found = check_fisher(g.T @ g / 20, problem, w)
    assert (found.matrix, "Ask with draws=" in str(found)) == (None, True), found


def rounded(x, digits):
    """x with so many binary digits, float16's 11 say."""
    power = 2.0 ** (digits - np.ceil(np.log2(np.maximum(np.abs(x), 1e-300))))
    return np.round(x * power) / power


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
@pytest.mark.parametrize("name", ["exact Fisher", "empirical Fisher"])
def test_rounding_isn_t_explained_by_weights(name, seed):
    at = setting("classes", seed)
    F = at.sandwich(at.oracle.output_fisher()) if name == "exact Fisher" else at.g.T @ at.g / at.B
    for found in (verdict(at, F.astype(np.float16)), verdict(at, lambda v: (F @ v).astype(np.float16))):
        assert (found.matrix, found.scale_name, found.variant) == (name, "1", "")
    assert "rounded to 0.001: nothing finer" in str(found)
    assert verdict(at, rounded(F, 8)).matrix is None  # float64 by its dtype


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_bfloat16_of_torch():
    import torch

    at = setting("classes")
    F = 20 * torch.asarray(at.g.T @ at.g / at.B)
    for given in (F.bfloat16(), F.diag().bfloat16(), lambda v: (F @ torch.asarray(v)).bfloat16()):
        found = verdict(at, given)
        assert (found.matrix, found.scale_name, found.variant) == ("empirical Fisher", "B", ""), found
    pairs = [(torch.asarray(h.T @ h), torch.asarray(s.T @ s / 20)) for h, s in at.layers]
    found = verdict(at, [(A.bfloat16(), G.bfloat16()) for A, G in pairs])
    assert (found.matrix, found.scale_name) == ("K-FAC, empirical", "B"), found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_matrix_of_random_numbers_has_none(seed):
    at, rng = setting("classes"), np.random.default_rng(seed)
    G = rng.standard_normal((50, at.w.size))
    assert verdict(at, G.T @ G).kind == "none"
    nearly = at.g.T @ (np.linspace(1, 2, at.B)[:, None] * at.g) / at.B
    noise = rng.standard_normal(nearly.shape)
    assert verdict(at, nearly + 1e-6 * np.abs(nearly).max() * (noise + noise.T)).matrix is None
