"""`check_curvature` names orders, blocks and calls that are wrong, and refuses what it can't check."""

import re
from pathlib import Path

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.testing import check_curvature
from sofim_ref.testing.museum import setting


def verdict(at, product, answer):
    return check_curvature(at.problem, at.w, at.batch, **{product: answer})


@pytest.mark.parametrize("product", ["hvp", "ggnvp"])
def test_another_order_of_all_parameters_is_named(product):
    """As torch flattens them: each layer's weights transposed, v and the answer alike."""
    at = setting("classes")
    H = at.oracle.output_hessian()
    right = at.oracle.hvp if product == "hvp" else lambda v: at.oracle.gauss_newton_product(H, v)
    order = np.concatenate(
        [
            np.r_[np.arange(x.start, x.stop - x.columns).reshape(-1, x.columns).T.ravel(), x.stop - x.columns : x.stop]
            for x in at.problem.layers
        ]
    )

    def flattened(v):
        inside = np.empty_like(v)
        inside[order] = v
        return np.asarray(right(inside))[order]

    found = verdict(at, product, flattened)
    assert found.found == "parameters are flattened column by column with the bias last"


@pytest.mark.parametrize(("product", "factor", "said"), [("hvp", 1, ""), ("ggnvp", 30, ", times N")])
def test_a_product_on_all_the_data_in_place_of_the_batch_is_named(product, factor, said):
    at = setting("classes")
    whole = at.problem.oracle(at.w)
    right = whole.hvp if product == "hvp" else lambda v: whole.gauss_newton_product(whole.output_hessian(), v)
    found = verdict(at, product, lambda v: factor * right(v))
    assert (found.kind, found.found) == ("another", "all the data")
    assert f"product on all 30 examples of the data, not on the batch of {at.B}{said}." in str(found)


def test_a_block_of_a_layer_that_is_wrong_is_named():
    at = setting("numbers")

    def frozen(v):
        H = at.oracle.hvp(v)
        H[: at.problem.layers[0].stop] = 0
        return H

    found = verdict(at, "hvp", frozen)
    assert found.kind == "blocks"
    assert found.missing == ("layer 1's weights", "layer 1's biases")
    assert "layer 2's weights and layer 2's biases are right" in str(found)


def test_a_mistake_in_a_difference_quotient_is_named_all_the_same():
    at = setting("numbers")

    def summed(v):
        return 20 * (at.problem.gradient(at.w + 1e-4 * v, batch=at.batch) - at.oracle.gradient()) / 1e-4

    found = verdict(at, "hvp", summed)
    assert (found.kind, found.scale_name) == ("scaled", "B")
    assert "B times the Hessian-vector product, to about three digits" in str(found)


def test_what_nothing_explains_is_unknown():
    at = setting("classes")
    noise = np.random.default_rng(0).standard_normal((at.w.size, at.w.size))
    found = verdict(at, "hvp", lambda v: noise @ v)
    assert found.kind == "unknown"
    assert "no term, factor, layout or known mistake explains it" in str(found)
    assert repr(found) == str(found)


def test_calls_that_differ_or_have_no_number_are_said_to():
    at, rng = setting("classes"), np.random.default_rng(0)
    found = verdict(at, "hvp", lambda v: rng.standard_normal(v.shape))
    assert found.kind == "not deterministic"
    assert "two calls with the same argument give different answers" in str(found)
    found = verdict(at, "vjp", lambda _: np.full(at.w.size, np.nan))
    assert found.kind == "not finite"
    assert "NaN or infinity" in str(found)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, TypeError, "exactly one of hvp, ggnvp, jvp, vjp, per_example_gradients must be given, got none"),
        ({"hvp": lambda v: v, "jvp": lambda v: v}, TypeError, "must be given, got 'hvp', 'jvp'"),
        ({"hvp": lambda v: v[:-5]}, ValueError, r"hvp must return an array of shape \(38,\), got \(33,\)"),
        ({"jvp": lambda v: v}, ValueError, r"jvp must return an array of shape \(20, 3\), got \(38,\)"),
        ({"per_example_gradients": np.ones((3, 2))}, ValueError, r"of shape \(20, 38\), got \(3, 2\)"),
        ({"hvp": np.eye(38)}, TypeError, "hvp must be a function of a vector, got <class 'numpy.ndarray'>"),
        ({"hvp": lambda _: None}, TypeError, "what hvp returned must be an array, got None: does a function lack"),
        ({"hvp": lambda v: v, "seed": -1}, ValueError, "seed must be an integer >= 0, got -1"),
    ],
)
def test_what_can_t_be_checked_is_refused(given, error, message):
    at = setting("classes")
    with pytest.raises(error, match=message):
        check_curvature(at.problem, at.w, at.batch, **given)


def test_a_problem_that_offers_too_little_is_refused():
    w = np.asarray([0.3, -0.7])
    with pytest.raises(TypeError, match="Quadratic has no outputs to differentiate: hvp"):
        check_curvature(sr.problems.Quadratic(np.eye(2), np.ones(2)), w, jvp=lambda v: v)


def test_the_page_s_example_says_what_the_page_says():
    page = (Path(__file__).parents[3] / "docs" / "testing.md").read_text(encoding="utf-8")
    section = page.split("## Products with derivatives")[1].split("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    said = " ".join(
        line.strip() for line in section.splitlines() if line.startswith("    ") and line[4:] not in example
    )
    printed = []
    exec(example, {"print": lambda found: printed.append(str(found))})
    assert re.fullmatch(re.escape(said).replace("…", r"\S+?"), printed[0])


@pytest.mark.parametrize("l2", [0.01, 0.0])
@pytest.mark.parametrize("product", ["hvp", "ggnvp"])
def test_a_damping_is_told_from_the_l2_term(product, l2):
    at = setting("classes")
    problem = sr.problems.FiniteSum(
        at.problem.model, at.problem.likelihood, at.problem.features, at.problem.targets, l2
    )
    oracle = problem.oracle(at.w, at.batch)
    exact = {"hvp": oracle.hvp, "ggnvp": lambda v: oracle.gauss_newton_product(oracle.output_hessian(), v)}[product]
    for amount, words in ((0.37, "0.37 v is added (damping)"), (-0.37, "0.37 v is subtracted")):
        found = check_curvature(problem, at.w, at.batch, **{product: lambda v, s=amount: exact(v) + s * v})
        assert (found.kind, found.found) == ("terms", "damping")
        assert f"; {words}. " in str(found)
        assert "l2" not in str(found)


def test_a_factor_near_one_is_said_with_the_digits_that_differ():
    at = setting("classes")
    for factor, words in ((1 + 1e-9, "1.000000001"), (20 * (1 + 1e-9), "20.00000002"), (20, "B"), (1.00042, "1.00042")):
        found = check_curvature(at.problem, at.w, at.batch, hvp=lambda v, s=factor: s * at.oracle.hvp(v))
        assert f"it is {words} times the Hessian-vector product." in str(found)
    half = check_curvature(
        at.problem,
        at.w,
        at.batch,
        ggnvp=lambda v: 1.0001 * at.oracle.gauss_newton_product(at.oracle.output_hessian(), v),
    )
    assert "it is 1.0001 times the Gauss–Newton product" in str(half)
