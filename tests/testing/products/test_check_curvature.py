"""`check_curvature` says right of what is right, nothing else, and finds every term's factor."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sofim_ref as sr
from sofim_ref.likelihoods import Categorical
from sofim_ref.models import MLP
from sofim_ref.problems import FiniteSum, MLPClassifier, Quadratic, Rosenbrock, SoftmaxRegression
from sofim_ref.testing import check_curvature
from sofim_ref.testing.fisher.facts import facts_at
from sofim_ref.testing.museum import setting
from sofim_ref.testing.museum.setting import LIKELIHOODS
from sofim_ref.testing.products.terms import TITLES, terms

EPS = float(np.finfo(float).eps)


def answers(at):
    """The right answers, from what the library offers."""
    oracle = at.oracle
    return {
        "hvp": oracle.hvp,
        "ggnvp": lambda v: oracle.gauss_newton_product(oracle.output_hessian(), v),
        "jvp": lambda v: at.J @ v,
        "vjp": lambda u: at.back(u).sum(axis=0),
        "per_example_gradients": oracle.per_example_gradients,
    }


def verdict(at, product, answer, seed=0):
    return check_curvature(at.problem, at.w, at.batch, **{product: answer}, seed=seed)


# ---------------------------------------------------------------------------- what is right, and to how many digits


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("product", TITLES)
def test_what_is_right_is_called_right(name, product):
    at = setting(name, seed=1)
    found = verdict(at, product, answers(at)[product])
    assert found.holds is True, str(found)
    assert str(found).startswith(f"This is {TITLES[product]}: off by ")


@pytest.mark.parametrize("product", TITLES)
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), entry=st.integers(0, 10**6))
def test_one_entry_off_by_more_than_rounding_is_never_called_right(product, seed, entry):
    at = setting("classes")

    def off(*v):
        right = np.array(answers(at)[product](*v))
        size = np.linalg.norm(right) + np.linalg.norm(v)
        right.ravel()[entry % right.size] += 1e4 * EPS * size
        return right

    found = verdict(at, product, off, seed)
    assert found.holds is None
    assert found.kind == "inexact"
    assert found.place


@pytest.mark.slow_on("jax", "array-api-strict without")
def test_on_every_backend(xp):
    X = np.random.default_rng(0).standard_normal((9, 2))
    problem = MLPClassifier(xp.asarray(X), xp.asarray(np.arange(9) % 3), hidden=(3,), l2=0.1)
    w, batch = problem.initial_point(2), xp.asarray(np.arange(7))
    oracle = problem.oracle(w, batch)
    assert check_curvature(problem, w, batch, hvp=oracle.hvp).holds
    found = check_curvature(problem, w, batch, ggnvp=oracle.hvp)
    assert found.holds is False
    assert found.found == "Hessian"


def test_single_precision_is_measured_by_its_own_eps():
    X = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)
    problem = MLPClassifier(X, np.arange(20) % 3, hidden=(4,))
    w = problem.initial_point(2)
    hvp = problem.oracle(w).hvp
    assert check_curvature(problem, w, hvp=hvp).holds
    assert check_curvature(problem, w, hvp=lambda v: hvp(v) * np.float32(1 + 1e-4)).kind == "inexact"
    found = check_curvature(problem, w, hvp=lambda v: hvp(v) * np.float32(20))
    assert (found.kind, found.scale_name) == ("scaled", "B")


# ---------------------------------------------------------------------------- terms

FACTORS = {0.0: "absent", 1.0: "right", -1.0: "−1 times itself", 2.0: "2 times itself"}


@pytest.mark.parametrize("factors", list(itertools.product(FACTORS, repeat=2)))
def test_every_term_s_factor_is_found(factors):
    """Two of the Hessian's four terms, each absent, right, negative or doubled."""
    at = setting("classes")
    made = terms(facts_at(at.problem, at.w, at.batch), "hvp")
    each = [factors[0], factors[1], 1.0, 1.0]
    found = verdict(at, "hvp", lambda v: sum(c * t.of(v[:, None])[:, 0] for c, t in zip(each, made, strict=True)))
    if factors == (1.0, 1.0):
        assert found.holds
        return
    assert found.kind == "terms"
    assert found.missing == tuple(t.name for c, t in zip(each, made, strict=True) if c == 0)
    for factor, term in zip(each, made, strict=True):
        clause = next(part for part in str(found).split(": ", 1)[1].split("; ") if term.words in part)
        assert FACTORS[factor].replace("times itself", "") in clause


@pytest.mark.parametrize("activation", ["tanh", "gelu", "relu", "identity"])
@pytest.mark.parametrize("hidden", [(3,), (4, 3), (3, 4, 2)])
def test_the_hessian_s_terms_add_up_and_those_that_are_zero_are_not_missed(activation, hidden):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((12, 2)), np.arange(12) % 3
    problem = FiniteSum(MLP((2, *hidden, 3), activation), Categorical(3), X, y, l2=0.1)
    w = 0.7 * rng.standard_normal(problem.dim)
    oracle = problem.oracle(w)
    assert check_curvature(problem, w, hvp=oracle.hvp).holds
    found = check_curvature(problem, w, hvp=lambda v: oracle.gauss_newton_product(oracle.output_hessian(), v) + 0.1 * v)
    curved = ("activation",) * (activation in ("tanh", "gelu"))
    assert found.missing == (*curved, "weights")


@pytest.mark.slow
def test_the_activation_s_term_is_what_a_constant_derivative_leaves_out():
    """JAX differentiates a tanh whose derivative it takes for a constant."""
    jax, sizes = pytest.importorskip("jax"), (2, 4, 3, 3)
    from networks import cross_entropy, mlp  # noqa: F401  # it switches JAX to float64

    @jax.custom_jvp
    def frozen(z):
        return jax.numpy.tanh(z)

    @frozen.defjvp
    def _(primals, tangents):
        (z,), (z_dot,) = primals, tangents
        return frozen(z), jax.lax.stop_gradient(1 - jax.numpy.tanh(z) ** 2) * z_dot

    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((6, 2)), np.arange(6) % 3
    problem = FiniteSum(MLP(sizes), Categorical(3), X, y)
    w = 0.7 * rng.standard_normal(problem.dim)

    def loss(w, phi):
        h, at = X, 0
        for before, after in itertools.pairwise(sizes):
            W = w[at : at + (before + 1) * after].reshape(before + 1, after)
            z, at = h @ W[:-1] + W[-1], at + (before + 1) * after
            h = phi(z)
        return jax.numpy.mean(jax.vmap(cross_entropy)(z, y))

    H = np.asarray(jax.hessian(loss)(w, frozen))
    found = check_curvature(problem, w, hvp=lambda v: H @ v)
    assert found.missing == ("activation",), str(found)
    full = np.asarray(jax.hessian(loss)(w, jax.numpy.tanh))
    assert check_curvature(problem, w, hvp=lambda v: full @ v).holds


def test_problems_without_layers_have_two_terms_or_one():
    X = np.random.default_rng(0).standard_normal((8, 2))
    problem = SoftmaxRegression(X, np.arange(8) % 3, l2=0.2)
    w = problem.initial_point(1)
    hvp = problem.oracle(w).hvp
    assert check_curvature(problem, w, hvp=lambda v: hvp(v) - 0.2 * v).missing == ("l2",)
    for bowl in (Rosenbrock(), Quadratic(np.diag([1.0, 2.0]), np.ones(2))):
        w = np.asarray([0.3, -0.7])
        hessian = bowl.oracle(w).hessian()
        assert check_curvature(bowl, w, hvp=lambda v, H=hessian: H @ v).holds
        doubled = check_curvature(bowl, w, hvp=lambda v, H=hessian: 2 * H @ v)
        assert (doubled.kind, doubled.scale_name) == ("scaled", "2")
        assert "parameter" in doubled.place


# ---------------------------------------------------------------------------- other mistakes


@pytest.mark.parametrize("product", ["hvp", "ggnvp"])
def test_another_order_of_all_parameters_is_named(product):
    """As torch flattens them: each layer's weights transposed, v and the answer alike."""
    at = setting("classes")
    order = np.concatenate(
        [
            np.r_[np.arange(x.start, x.stop - x.columns).reshape(-1, x.columns).T.ravel(), x.stop - x.columns : x.stop]
            for x in at.problem.layers
        ]
    )

    def flattened(v):
        inside = np.empty_like(v)
        inside[order] = v
        return np.asarray(answers(at)[product](inside))[order]

    found = verdict(at, product, flattened)
    assert found.found == "parameters are flattened column by column with the bias last"


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
        ({"hvp": lambda _: None}, TypeError, "what hvp returned must be an array of NumPy, .* got <class 'NoneType'>"),
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
