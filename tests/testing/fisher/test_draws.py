"""Matrices that are drawn: named by their mean and variance, and not at all where the sampler is biased."""

import re

import numpy as np
import pytest
from fisher_settings import fisher

from sofim_ref import curvature
from sofim_ref.testing import check_fisher
from sofim_ref.testing.museum.setting import setting


def sampler(at, rng, temperature=1.0, form="diagonal", added=0.0):
    """A function that draws a label an example from softmax(f/T): a diagonal, a matrix, or products with one."""
    p = np.exp(at.f / temperature)
    p /= p.sum(axis=1, keepdims=True)

    def gradients():
        labels = (p.cumsum(axis=1) > rng.random((at.B, 1))).argmax(axis=1)
        return at.back(at.p - np.eye(3)[labels])

    def whole():
        g = gradients()
        return g.T @ g / at.B + added * np.eye(at.w.size)

    def product(v):
        g = gradients()
        return g.T @ (g @ v) / at.B + added * v

    return {"diagonal": lambda: np.mean(gradients() ** 2, axis=0) + added, "whole": whole, "function": product}[form]


def said(at, F, draws):
    return check_fisher(F, at.problem, at.w, at.batch, draws=draws)


def test_draws_tell_a_sampled_fisher_and_how_many_labels_it_has(at):
    problem, w, rows = at
    oracle, rng = problem.oracle(w, rows), np.random.default_rng(5)

    def sampled(samples):
        return np.diag(np.asarray(curvature.sampled_fisher(oracle, rng, samples=samples).to_dense())).copy()

    one = check_fisher(lambda: sampled(1), *at, draws=300)
    assert (one.matrix, one.scale_name, round(one.labels)) == ("sampled Fisher", "1", 1)
    assert re.search(
        r"A factor or a temperature .* of 1\.2 would have been seen; a bias below [\d.]+\s% would", str(one)
    )
    summed = check_fisher(lambda: 16 * sampled(3), *at, draws=200)
    assert (summed.matrix, summed.scale_name, round(summed.labels)) == ("sampled Fisher", "B", 3)
    biased = check_fisher(lambda: sampled(1) * np.linspace(0.5, 1.5, 43), *at, draws=200)
    assert (biased.kind, biased.matrix) == ("none", None)
    assert check_fisher(lambda: np.diag(fisher(at)), *at, draws=10).matrix == "exact Fisher"
    assert check_fisher(sampled(1), *at).matrix is None
    with pytest.raises(ValueError, match="draws must be an integer >= 10"):
        check_fisher(lambda: sampled(1), *at, draws=2)


def test_few_draws_are_said_to_be_few_and_how_many_would_do():
    at = setting("classes", 5)
    verdict = said(at, sampler(at, np.random.default_rng(0)), 40)
    assert (verdict.kind, verdict.matrix) == ("too little", None)
    assert "exact Fisher" in verdict.alternatives
    assert (verdict.scale_name, verdict.layout) == ("1", "row by row with the bias last")
    needed = int(re.search(r"or that of labels at a temperature of 1\.2 .*Call it with draws=(\d+)\.", str(verdict))[1])
    assert said(at, sampler(at, np.random.default_rng(1)), needed).matrix == "sampled Fisher"


def test_few_draws_do_not_hide_the_factor_and_the_part():
    at = setting("classes", 5)
    draw = sampler(at, np.random.default_rng(0))
    verdict = check_fisher(lambda: 20 * np.diag(draw()), at.problem, at.w, at.batch, draws=60)
    assert (verdict.kind, verdict.scale_name, verdict.scale, verdict.part) == ("too little", "B", 20, "diagonal")
    said = "may be the diagonal of the exact Fisher (summed over the batch of 20 instead of averaged) or "
    assert said in str(verdict)


@pytest.mark.parametrize("form", ["diagonal", pytest.param("whole", marks=pytest.mark.slow)])
def test_labels_at_another_temperature_are_told_as_such(form):
    at = setting("classes")
    verdict = said(at, sampler(at, np.random.default_rng(0), 1.5, form), 300)
    assert (verdict.kind, verdict.matrix) == ("none", None)
    assert re.search(r"labels were drawn from softmax\(f/T\) with T about 1\.[3-7]", str(verdict)), verdict


LONG = [pytest.param(*each, marks=pytest.mark.slow) for each in (("function", 0.2), ("whole", 0.03))]


@pytest.mark.parametrize(("form", "added"), [("function", 0.0), ("diagonal", 0.2), *LONG])
def test_products_and_damped_matrices_are_sampled_ones_too(form, added):
    at = setting("classes")
    verdict = said(at, sampler(at, np.random.default_rng(3), form=form, added=added), 500)
    assert (verdict.matrix, verdict.scale_name, verdict.l2) == ("sampled Fisher", "1", added == at.problem.l2)
    assert verdict.damping == pytest.approx(0.0 if verdict.l2 else added, rel=0.1)


@pytest.mark.parametrize("drawn", ["uniformly", "from the first example's probabilities"])
def test_one_label_for_the_whole_batch_is_no_sampled_fisher(drawn):
    at, rng = setting("classes"), np.random.default_rng(0)
    probabilities = np.full(3, 1 / 3) if drawn == "uniformly" else at.p[0]

    def shared():
        g = at.back(at.p - np.eye(3)[rng.choice(3, p=probabilities)])
        return 2 * g.T @ g

    verdict = said(at, shared, 60)
    assert (verdict.kind, verdict.matrix) == ("none", None)
    assert "One label is drawn for the whole batch: F has 3 values in 60 calls" in str(verdict)


def test_a_diagonal_estimated_with_random_signs_is_named_after_its_mean(at):
    H, rng = np.asarray(at[0].oracle(*at[1:]).hessian()) - at[0].l2 * np.eye(43), np.random.default_rng(0)

    def estimate():
        z = rng.choice([-1.0, 1.0], 43)
        return z * (H @ z)

    verdict = check_fisher(estimate, *at, draws=300)
    assert (verdict.matrix, verdict.variant, verdict.part) == ("Hessian", "estimated from random numbers", "diagonal")


@pytest.mark.slow
def test_kronecker_factors_that_are_drawn_are_multiplied(at):
    oracle, rng = at[0].oracle(*at[1:]), np.random.default_rng(2)
    A = [x.inputs.T @ x.inputs / 16 for x in oracle.layer_statistics()]

    def drawn():
        found = oracle.layer_statistics_of(oracle.sampled_output_gradient(rng))
        return [(a, x.gradients.T @ x.gradients / 16) for a, x in zip(A, found, strict=True)]

    verdict = check_fisher(drawn, *at, draws=400)
    assert (verdict.matrix, verdict.scale_name, verdict.part) == ("K-FAC", "1", "blocks")
    assert check_fisher(drawn, *at, draws=20).kind == "too little"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "draws"),
    [("diagonal", 60), ("diagonal", 800), ("whole", 60), ("whole", 300), ("whole", 800), ("function", 300)],
)
def test_no_right_sampler_is_refused_and_no_hot_one_named(form, draws):
    named = 0
    for seed in range(16):
        at = setting("classes", seed)
        right = said(at, sampler(at, np.random.default_rng(seed + 99), form=form), draws)
        assert right.matrix == "sampled Fisher" or right.kind == "too little", f"{seed}: {right}"
        named += right.kind == "named"
        hot = said(at, sampler(at, np.random.default_rng(seed + 99), 1.2, form), draws)
        assert hot.matrix is None, f"{seed}: {hot}"
        assert hot.kind in ("none", "too little"), f"{seed}: {hot}"
    assert named >= 12 or draws < 800  # in some settings the labels tell less of a temperature
