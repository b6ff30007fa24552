"""Matrices that are drawn: named by their mean and variance, and not at all where the sampler is biased."""

import re

import numpy as np
import pytest
from fisher_settings import fisher

from sofim_ref import curvature
from sofim_ref.testing import check_fisher
from sofim_ref.testing.museum.setting import setting


def test_draws_tell_a_sampled_fisher_and_how_many_labels_it_has(at):
    problem, w, rows = at
    oracle, rng = problem.oracle(w, rows), np.random.default_rng(5)

    def sampled(samples):
        return np.diag(np.asarray(curvature.sampled_fisher(oracle, rng, samples=samples).to_dense())).copy()

    one = check_fisher(lambda: sampled(1), *at, draws=60)
    assert (one.matrix, one.scale_name, round(one.labels)) == ("sampled Fisher", "1", 1)
    summed = check_fisher(lambda: 16 * sampled(3), *at, draws=60)
    assert (summed.matrix, summed.scale_name, round(summed.labels)) == ("sampled Fisher", "B", 3)
    biased = check_fisher(lambda: sampled(1) * np.linspace(0.5, 1.5, 43), *at, draws=200)
    assert (biased.kind, biased.matrix) == ("none", None)
    assert check_fisher(lambda: np.diag(fisher(at)), *at, draws=10).matrix == "exact Fisher"
    assert check_fisher(sampled(1), *at).matrix is None
    with pytest.raises(ValueError, match="draws must be an integer >= 10"):
        check_fisher(lambda: sampled(1), *at, draws=2)


def test_a_biased_sampler_is_given_no_name_and_few_draws_are_said_to_be_few():
    at = setting("classes", 5)
    hot = np.exp(at.f / 1.5)
    hot /= hot.sum(axis=1, keepdims=True)
    for seed in range(2):
        rng = np.random.default_rng(seed)

        def sampled(p, rng=rng):
            labels = (p.cumsum(axis=1) > rng.random((at.B, 1))).argmax(axis=1)
            return np.mean(at.back(at.p - np.eye(3)[labels]) ** 2, axis=0)

        verdict = check_fisher(lambda: sampled(hot), at.problem, at.w, at.batch, draws=100)
        assert verdict.matrix is None, verdict
    right = check_fisher(lambda: sampled(at.p), at.problem, at.w, at.batch, draws=40)
    assert right.matrix == "sampled Fisher"
    assert re.search(r"a bias below [\d.]+\s% would not be seen", str(right))


def test_kronecker_factors_that_are_drawn_are_multiplied(at):
    oracle, rng = at[0].oracle(*at[1:]), np.random.default_rng(2)
    A = [x.inputs.T @ x.inputs / 16 for x in oracle.layer_statistics()]

    def drawn():
        found = oracle.layer_statistics_of(oracle.sampled_output_gradient(rng))
        return [(a, x.gradients.T @ x.gradients / 16) for a, x in zip(A, found, strict=True)]

    verdict = check_fisher(drawn, *at, draws=20)
    assert (verdict.matrix, verdict.scale_name, verdict.part) == ("K-FAC", "1", "blocks")
