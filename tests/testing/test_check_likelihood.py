"""`check_likelihood` passes the library's likelihoods near and far, and names what is wrong with others."""

import re
from dataclasses import dataclass

import numpy as np
import pytest

from sofim_ref.likelihoods import Bernoulli, Categorical, Gaussian, Likelihood, LocationScale, Poisson
from sofim_ref.likelihoods.likelihood import diagonals
from sofim_ref.testing import check_likelihood

N = 12
RIGHT = {
    "Gaussian": (Gaussian(), 2, lambda rng: rng.standard_normal((N, 2))),
    "Bernoulli": (Bernoulli(), 1, lambda rng: rng.integers(0, 2, N)),
    "Categorical": (Categorical(3), 3, lambda rng: rng.integers(0, 3, N)),
    "Poisson": (Poisson(), 1, lambda rng: rng.integers(0, 4, N)),
    "LocationScale": (LocationScale(), 2, lambda rng: rng.standard_normal(N)),
}


def data(name, seed=0, size=1.0, dtype=np.float64):
    likelihood, C, targets = RIGHT[name]
    rng = np.random.default_rng(seed)
    raw = targets(rng)
    return likelihood, (size * rng.standard_normal((N, C))).astype(dtype), raw


def failing(found):
    return [finding.name for finding in found.findings if finding.holds is False]


# ---------------------------------------------------------------------------- no false alarm


@pytest.mark.parametrize("name", RIGHT)
def test_the_library_s_own_hold(name):
    found = check_likelihood(*data(name))
    assert found.holds is True, str(found)
    assert str(found).startswith("Hold: shapes, gradient, hessian, fisher_factor, E[∇ℓ] = 0,")
    assert repr(found) == str(found)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", RIGHT)
def test_none_of_them_is_refuted_at_any_scale(name, dtype):
    for seed in range(16):
        size = 10 ** np.random.default_rng(seed).uniform(-1, 0.8)
        found = check_likelihood(*data(name, seed, size, dtype), seed=seed)
        assert not failing(found), f"seed {seed}: {found}"


def test_where_one_target_is_nearly_certain_nothing_is_said_of_means():
    likelihood, f, y = data("Bernoulli")
    found = check_likelihood(likelihood, 30 + f, y)
    assert found.holds is None
    assert "E[∇ℓ] = 0; take less extreme ones." in str(found)


@pytest.mark.slow_on("jax", "array_api_strict")
def test_arrays_of_other_backends(xp):
    likelihood, f, y = data("Categorical")
    found = check_likelihood(likelihood, xp.asarray(f), xp.asarray(y))
    assert found.holds is (True if xp.widest == "float64" else None), str(found)


# ---------------------------------------------------------------------------- planted mistakes


@dataclass(frozen=True)
class NegativeBinomial(Likelihood):
    """A count y with mean eᶠ and variance eᶠ + eᶠ²/r, loss (y + r) log(1 + eᶠ/r) − y f: not canonical."""

    r: float = 3.0
    error_name = "mean squared error"

    def encode(self, targets, *, like, outputs):
        return np.asarray(targets, dtype=like.dtype).reshape(-1, outputs)

    def loss(self, f, y):
        return ((y + self.r) * np.log1p(np.exp(f) / self.r) - y * f).sum(axis=1)

    def share(self, f):
        return np.exp(f) / (self.r + np.exp(f))

    def gradient(self, f, y):
        return (y + self.r) * self.share(f) - y

    def gradient_rounding(self, f, y):
        return 12 * (y + self.r) * self.share(f) + y

    def hessian(self, f, y):
        return diagonals((y + self.r) * self.share(f) * (1 - self.share(f)))

    def fisher(self, f):
        return diagonals(self.r * self.share(f))

    def fisher_factor(self, f):
        return np.sqrt(self.fisher(f))

    def sample(self, f, rng):
        return rng.negative_binomial(self.r, 1 - self.share(f).astype(float)).astype(f.dtype)

    def error(self, f, y):
        return np.mean((np.exp(f) - y) ** 2)


def off(**methods):
    """The likelihood with some methods replaced: from itself and its own arguments to another answer."""
    own = {name: (lambda self, *given, make=make: make(self, *given)) for name, make in methods.items()}
    return type("Wrong", (NegativeBinomial,), own)()


RIGHT_ONE = NegativeBinomial()
MISTAKES = {
    "none": ({}, [], "Hold: shapes, gradient"),
    "no hessian": (
        {"hessian": lambda self, f, _: self.fisher(f)},
        ["hessian"],
        r"Hessian isn't the derivative of the gradient's component 0: at example",
    ),
    "the gradient's sign": (
        {"gradient": lambda _, f, y: -RIGHT_ONE.gradient(f, y)},
        ["gradient", "hessian"],
        r"Gradient isn't the derivative of the loss: .*, -1 times it throughout\.",
    ),
    "fisher doubled": (
        {"fisher": lambda _, f: 2 * RIGHT_ONE.fisher(f)},
        ["E[∇ℓ ∇ℓᵀ] = fisher", "E[∇²ℓ] = fisher"],
        r"E\[∇ℓ ∇ℓᵀ\] = fisher fails: the mean over draws is .* is due, 0\.\d+ times it throughout; fisher is wrong",
    ),
    "the factor is no root": (
        {"fisher_factor": lambda _, f: RIGHT_ONE.fisher(f)},
        ["fisher_factor"],
        r"Fisher_factor times its transpose isn't fisher at example \d+\.",
    ),
    "sample has another variance": (
        {"sample": lambda _, f, rng: rng.poisson(np.exp(f)).astype(f.dtype)},
        ["E[∇ℓ ∇ℓᵀ] = fisher", "sample"],
        "or sample draws from another distribution",
    ),
    "sample has another mean": (
        {"sample": lambda _, f, rng: RIGHT_ONE.sample(f + 0.5, rng)},
        ["E[∇ℓ] = 0", "E[∇ℓ ∇ℓᵀ] = fisher", "E[∇²ℓ] = fisher"],
        r"E\[∇ℓ\] = 0 fails: the mean over draws is .* where 0 is due; loss isn't −log p",
    ),
    "sample draws from a generator of its own": (
        {"sample": lambda _, f, __: RIGHT_ONE.sample(f, np.random.default_rng())},
        ["shapes"],
        "Sample draws other targets from the same generator",
    ),
    "no normalization": (
        {
            "loss": lambda _, f, y: RIGHT_ONE.loss(f, y) + f[:, 0],
            "gradient": lambda _, f, y: RIGHT_ONE.gradient(f, y) + 1,
        },
        ["E[∇ℓ] = 0", "E[∇ℓ ∇ℓᵀ] = fisher", "sample"],
        "loss isn't −log p",
    ),
    "a rounding too small": (
        {"gradient_rounding": lambda _, f, y: 0.01 * np.abs(RIGHT_ONE.gradient(f, y))},
        ["gradient_rounding"],
        r"Gradient in float32 is off by .*, where gradient_rounding allows",
    ),
    "a loss without an axis": (
        {"loss": lambda _, f, y: RIGHT_ONE.loss(f, y)[:, None]},
        ["shapes"],
        r"What loss returns must be 1-D, got shape \(12, 1\)",
    ),
    "a gradient in float32": (
        {"gradient": lambda _, f, y: RIGHT_ONE.gradient(f, y).astype(np.float32)},
        ["shapes"],
        "Outputs and what gradient returns must have one dtype, got float64 and float32",
    ),
    "an infinite hessian": (
        {"hessian": lambda _, f, y: RIGHT_ONE.hessian(f, y) / 0.0},
        ["shapes"],
        "What hessian returns must be finite",
    ),
    "an error for each example": (
        {"error": lambda _, f, __: f[:, 0]},
        ["shapes"],
        r"What error returns must be 0-D, got shape \(12,\)",
    ),
    "other numbers of outputs": (
        {"outputs": lambda _, __: 2},
        ["shapes"],
        r"Outputs\(targets\) is 2, but the outputs given have 1 columns\.",
    ),
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_and_named(mistake, seed):
    methods, names, said = MISTAKES[mistake]
    rng = np.random.default_rng(seed)
    found = check_likelihood(off(**methods), rng.uniform(-1, 1.5, (N, 1)), rng.integers(0, 5, N), seed=seed)
    assert set(names) <= set(failing(found)) if names else found.holds is True, str(found)
    assert {"hessian", "fisher_factor"} & set(failing(found)) <= set(names)
    assert re.search(said, str(found)), str(found)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ((0.1, None, None), "The smallest eigenvalue of hessian is .*, where `bounds` says 0.1"),
        ((None, 0.2, None), "The largest eigenvalue of hessian is .*, where `bounds` says 0.2"),
        ((None, None, 0.01), "The change of hessian per unit of f is .*, where `bounds` says 0.01"),
    ],
)
def test_bounds_that_do_not_hold_are_found(bounds, said):
    wrong = type("Wrong", (Bernoulli,), {"bounds": bounds})()
    _, f, y = data("Bernoulli")
    found = check_likelihood(wrong, f, y)
    assert failing(found) == ["bounds"]
    assert re.search(said, str(found))


def test_a_kink_hides_curvature_and_is_no_mistake():
    """The Laplace distribution: ∇²ℓ is 0 wherever it exists, and its Fisher matrix 1."""

    class Laplace(Gaussian):
        bounds = (0.0, None, None)

        def loss(self, f, y):
            return np.abs(f - y).sum(axis=1)

        def gradient(self, f, y):
            return np.sign(f - y)

        def hessian(self, f, y):
            return np.zeros((*f.shape, f.shape[1]))

        def sample(self, f, rng):
            return f + rng.laplace(size=f.shape)

    rng = np.random.default_rng(0)
    found = check_likelihood(Laplace(), rng.standard_normal((N, 1)), 3 + rng.standard_normal(N))
    assert (found.holds, failing(found)) == (None, [])
    assert "so it is where the loss has a kink, as |f − y| has" in str(found)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((Poisson, np.ones((3, 1)), np.ones(3)), TypeError, "likelihood must be a Likelihood, got"),
        ((Poisson(), np.ones(3), np.ones(3)), ValueError, "outputs must be 2-D, got shape (3,)"),
        ((Poisson(), np.full((3, 1), np.inf), np.ones(3)), ValueError, "outputs must be finite"),
        ((Poisson(), np.ones((3, 1)), -np.ones(3)), ValueError, "targets must be counts 0, 1, 2, …, got -1.0"),
    ],
)
def test_arguments_that_do_not_go_are_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        check_likelihood(*arguments)
