"""`check_curvature` says right of what is right, nothing else, and finds every term's factor."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    assert not found.holds
    assert found.kind in ("inexact", "examples")
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
    nearly = check_curvature(problem, w, hvp=lambda v: hvp(v) * np.float32(1 + 2**-10))
    assert (nearly.kind, nearly.scale_name) == ("scaled", "1.000977")
    ripple = np.float32(1 + 1e-4 * np.sin(np.arange(problem.dim)))
    assert check_curvature(problem, w, hvp=lambda v: hvp(v) * ripple).kind == "inexact"
    found = check_curvature(problem, w, hvp=lambda v: hvp(v) * np.float32(20))
    assert (found.kind, found.scale_name) == ("scaled", "B")


def test_a_term_that_is_absent_is_named_though_it_is_small():
    """What is left out is a thousandth of the product: no more than a difference quotient may be off."""
    at = setting("classes")
    penalty = 1e-3 * np.linalg.norm(at.oracle.hvp(np.ones(at.w.size))) / at.w.size**0.5
    problem = FiniteSum(at.problem.model, at.problem.likelihood, at.problem.features, at.problem.targets, penalty)
    hvp = problem.oracle(at.w, at.batch).hvp
    found = check_curvature(problem, at.w, at.batch, hvp=lambda v: hvp(v) - penalty * v)
    assert found.relative_error < 2e-3
    assert found.missing == ("l2",)
    assert found.holds is False


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


@pytest.mark.parametrize("scale", [1e-3, 1e-8])
def test_a_layer_that_another_hides_is_judged_by_its_own_size(scale):
    rng = np.random.default_rng(0)
    problem = MLPClassifier(scale * rng.standard_normal((20, 3)), np.arange(20) % 3, hidden=(5,))
    w = 0.5 * rng.standard_normal(problem.dim)
    oracle = problem.oracle(w)
    first = np.ones(problem.dim)
    first[:15] = 0.0
    rows = oracle.per_example_gradients()
    assert check_curvature(problem, w, hvp=oracle.hvp).holds
    assert check_curvature(problem, w, per_example_gradients=rows).holds
    for verdict in (
        check_curvature(problem, w, hvp=lambda v: first * oracle.hvp(v)),
        check_curvature(problem, w, per_example_gradients=first * rows),
    ):
        assert (verdict.kind, verdict.missing) == ("blocks", ("layer 1's weights",)), verdict
        assert verdict.relative_error == pytest.approx(1.0)
        assert "layer 1, weight" in verdict.place
