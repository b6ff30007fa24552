"""Who equals whom: methods that become another one at some setting, on some problem, or in a limit.

Each entry can be run: the two optimizers take the same steps from the same point, as closely as the entry says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Setting = Literal[
    "network",
    "linear network",
    "softmax",
    "one output",
    "one parameter",
    "diagonal quadratic",
    "rank-one Hessian",
    "unit residual",
]
"""On which problem: a network of two layers; one layer of two outputs with least squares; softmax regression; logistic
regression, one layer of one column; a single weight; a quadratic with a diagonal Hessian; least squares with features
that are multiples of one vector; least squares on one example, whose residual at the start is 1."""


@dataclass(frozen=True)
class Limit:
    """A method that is another one, or tends to it.

    Parameters
    ----------
    method : str
        The method's name.
    becomes : str
        The other's.
    when : str
        In which case, in words and the docstring's letters.
    settings, its_settings : mapping
        The hyper-parameters of the method, and of the other one.
    on : str
        On which problem that is so; on all like it.
    batch : int, optional
        The number of examples in a step; all if not given.
    steps : int
        The number of steps for which it is run.
    within : float
        The distance of the two points after these steps, relative to how far they went: rounding where the methods are
        equal, the size of what is neglected in a limit.
    """

    method: str
    becomes: str
    when: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    its_settings: Mapping[str, Any] = field(default_factory=dict)
    on: Setting = "network"
    batch: int | None = None
    steps: int = 5
    within: float = 1e-10

    @property
    def exact(self) -> bool:
        """Whether the two methods are equal there, and not only tend to each other."""
        return "→" not in self.when


_LARGE = 1e9
_SMALL_STEP: dict[str, Any] = {"lr": 0.1}
_LARGE_STEP: dict[str, Any] = {"lr": 0.1 * _LARGE}
_MOMENTUM: dict[str, Any] = {"rho": _LARGE, **_LARGE_STEP}
_NO_SEARCH: dict[str, Any] = {"line_search": False}

LIMITS: tuple[Limit, ...] = (
    Limit("sofim", "sofim-gradient", "β = 0", {"beta": 0.0}, {"beta": 0.0}),
    Limit(
        *("sofim", "heavy-ball", "ρ → ∞, η/ρ fixed, no bias correction: momentum with the step (1−β)η/ρ"),
        _MOMENTUM | {"bias_correction": False},
        {"lr": 0.1 * (1 - 0.9)},
        within=1e-7,
    ),
    Limit("sofim-gradient", "sgd", "ρ → ∞, η/ρ fixed", _MOMENTUM, _SMALL_STEP, within=1e-7),
    Limit("sofim-layer", "sofim", "one layer", on="one output"),
    Limit("heavy-ball", "sgd", "μ = 0", {"momentum": 0.0}),
    Limit("nesterov", "sgd", "μ → 0", {"momentum": 1e-9}, within=1e-8),
    Limit("adamw", "adam", "no weight decay", {"weight_decay": 0.0}),
    Limit(
        *("adam", "sofim", "ϵ → ∞ and ρ → ∞, η/ϵ = η/ρ: both steps are M̂ times η/ρ"),
        {"epsilon": _LARGE, **_LARGE_STEP},
        _MOMENTUM,
        within=1e-7,
    ),
    Limit("soaa", "adam", "the first step, where dF ≤ √v̂", on="one parameter", steps=1),
    Limit(
        *("tadam", "sofim", "the first step, ϵ → 0 and ρ → 0, where β₂‖g‖² is at least every |gᵢ|; SOFIM's η is η/β₂"),
        {"lr": 0.1, "epsilon": 1e-12},
        {"lr": 0.1 / 0.999, "rho": 1e-12},
        on="diagonal quadratic",
        steps=1,
        within=1e-8,
    ),
    Limit(
        *("tadam", "sofim-diagonal", "γ = 0, D = v̂ and c = 1; β₂ → 1, ϵ → 0 and ρ → 0, where F is at least √ŝ"),
        {"lr": 0.1, "gamma": 0.0, "beta2": 1 - 1e-7, "epsilon": 1e-24},
        {"lr": 0.1, "rho": 1e-24, "beta2": 1 - 1e-7},
        on="diagonal quadratic",
        within=1e-7,
    ),
    Limit(
        *("adafisher", "sofim", "λ → ∞ and ρ → ∞, η/λ = η/ρ: both steps are M̂ times η/ρ"),
        {"damping": _LARGE, **_LARGE_STEP},
        _MOMENTUM,
        within=1e-7,
    ),
    Limit("adafisher-v1", "adafisher", "the same decay and weight of the factors", {"ema": "paper_v3"}),
    Limit(
        *("adafisher-code", "adafisher", "the same decay and weight of the factors, and examples' gradients"),
        {"ema": "paper_v3"},
    ),
    Limit("adafisherw", "adafisher", "no weight decay", {"weight_decay": 0.0}),
    Limit(
        *("adahessian", "newton", "a diagonal Hessian, no averages, ϵ → 0"),
        {"beta1": 0.0, "beta2": 0.0, "epsilon": 1e-12, "lr": 1.0},
        _NO_SEARCH,
        on="diagonal quadratic",
        steps=1,
    ),
    Limit("natural-gradient", "sgd", "λ → ∞, η/λ fixed", {"damping": _LARGE, **_LARGE_STEP}, _SMALL_STEP, within=1e-7),
    Limit(
        *("empirical-natural-gradient", "sofim-gradient", "one example a step, β = 0, ρ = λ"),
        {"damping": 0.5, "lr": 0.1},
        {"rho": 0.5, "beta": 0.0, "lr": 0.1},
        batch=1,
    ),
    Limit(
        *("improved-natural-gradient", "natural-gradient", "least squares with one output, one example a step"),
        {"damping": 0.5},
        {"damping": 0.5},
        on="rank-one Hessian",
        batch=1,
    ),
    Limit(
        *("gauss-newton", "natural-gradient", "a canonical likelihood, the first step, equal λ"),
        {"damping": 1.0},
        {"damping": 1.0},
        on="softmax",
        steps=1,
    ),
    Limit(
        *("newton", "gauss-newton", "a linear model with a canonical likelihood, the first step, equal λ"),
        _NO_SEARCH | {"damping": 1.0},
        {"damping": 1.0},
        on="softmax",
        steps=1,
    ),
    Limit(
        *("newton-cg", "newton", "a tolerance → 0"),
        _NO_SEARCH | {"tolerance": 1e-13, "damping": 0.1},
        _NO_SEARCH | {"damping": 0.1},
        on="softmax",
        steps=3,
    ),
    Limit(
        *("nystrom-sgd", "newton", "k = d, C made anew in each step, H positive semidefinite, λ = ρ"),
        {"columns": 4, "rho": 0.5, "lr": 0.5},
        _NO_SEARCH | {"damping": 0.5, "lr": 0.5},
        on="one output",
    ),
    Limit(
        *("trust-region-newton", "newton", "H positive definite, Δ → ∞"),
        {"radius": 1e3},
        _NO_SEARCH,
        on="diagonal quadratic",
        steps=1,
    ),
    Limit(
        *("cubic-newton", "newton", "H positive definite, M → 0"),
        {"cubic": 1e-12, "adaptive": False},
        _NO_SEARCH,
        on="diagonal quadratic",
        steps=1,
        within=1e-6,
    ),
    Limit("bfgs", "lbfgs", "up to one pair", steps=2),
    Limit("broyden", "bfgs", "φ = 0", {"phi": 0.0}),
    Limit("sr1", "bfgs", "one parameter", on="one parameter"),
    Limit("adagrad-full", "adagrad", "one parameter", {}, {"epsilon": 1e-4}, on="one parameter"),
    Limit("rmsprop-rootfree", "sgd", "λ → ∞, η/λ fixed", {"damping": _LARGE, **_LARGE_STEP}, _SMALL_STEP, within=1e-7),
    Limit(
        *("ivon", "sofim", "h₀ → ∞ and ρ → ∞, η/h₀ = η/ρ, N → ∞, δ → 0: both steps are M̂ times η/ρ"),
        {"initial_hessian": _LARGE, "beta2": 1 - 1e-12, "effective_size": 1e20, "delta": 1e-12, **_LARGE_STEP},
        _MOMENTUM,
        within=1e-6,
    ),
    Limit(
        *("sketched-gauss-newton", "natural-gradient", "s at least BC, an SRHT"),
        {"rows": 128, "damping": 0.5},
        {"damping": 0.5},
    ),
    Limit(
        *("sofim-adaptive", "sofim", "ρ → 0, SOFIM's η is η/(1 + c)"),
        {"lr": 0.1},
        {"rho": 1e-12, "lr": 0.05},
        within=1e-8,
    ),
    Limit("sofim-k", "sofim", "k = 1", {"columns": 1}),
    Limit(
        *("sofim-k", "empirical-natural-gradient", "v = g, as columns the gradients of a batch's examples: k = B"),
        {"columns": 1, "collected": "gradient", "vector": "gradient", "rho": 0.5, "lr": 0.1},
        {"damping": 0.5, "lr": 0.1},
        batch=1,
    ),
    Limit(
        *("sofim-gradient", "nystrom-sgd", "one example with the residual 1, β = 0, k = 1: g is the column of H = ggᵀ"),
        {"rho": 0.5, "lr": 0.1, "beta": 0.0},
        {"rho": 0.5, "lr": 0.1, "columns": 1},
        on="unit residual",
        steps=1,
    ),
    Limit(
        *("sofim-diagonal", "sofim", "ρ → ∞, c/ρ and η/ρ fixed: D = ρI; SOFIM's ρ is ρ/c and its η is η/c"),
        {"rho": _LARGE, "rank_one": _LARGE / 0.5, "lr": 0.1 * _LARGE / 0.5},
        within=1e-7,
    ),
    Limit(
        *("sofim-diagonal", "adam", "c = 0, D Adam's"),
        {"diagonal": "adam", "rank_one": 0.0, "rho": 1e-8, "lr": 1e-3},
    ),
    Limit("spring", "natural-gradient", "μ = 0", {"mu": 0.0}, {"lr": 0.02}),
    Limit(
        *("fagh", "nystrom-sgd", "a Hessian of rank one, β = 0, k = 1"),
        {"beta": 0.0},
        {"columns": 1},
        on="rank-one Hessian",
    ),
    Limit(
        *("shampoo", "muon", "no sums, μ = 0, ϵ → 0, layers' gradients of full rank"),
        {"accumulation": "average", "beta2": 0.0, "epsilon": 1e-14, "lr": 0.02},
        {"momentum": 0.0, "epsilon": 1e-12},
        on="linear network",
        within=1e-6,
    ),
    Limit(
        *("shampoo-half", "adagrad-full", "one layer, of one column; sums, ϵ → 0"),
        {"accumulation": "sum", "epsilon": 1e-12, "lr": 0.1},
        {"placement": "inside", "epsilon": 1e-12, "lr": 0.1},
        on="one output",
        within=1e-6,
    ),
    Limit(
        *("soap", "muon", "no averages, the first step, ϵ → 0, layers' gradients of full rank"),
        {"beta1": 0.0, "beta2": 0.0, "shampoo_beta": 0.0, "epsilon": 1e-8, "basis": "eigenvectors", "lr": 0.02},
        {"momentum": 0.0, "epsilon": 1e-12},
        on="linear network",
        steps=1,
        within=1e-6,
    ),
    Limit(
        *("soap", "adam", "layers of one row and one column"),
        its_settings={"lr": 3e-3, "beta1": 0.95, "beta2": 0.95},
        on="one parameter",
    ),
    Limit(
        *("kl-shampoo", "adam", "layers of one row and one column, no averages, ϵ → 0"),
        {"beta2": 0.0, "epsilon": 1e-14, "coupling": "sequential"},
        {"beta1": 0.0, "beta2": 0.0, "epsilon": 1e-14, "lr": 0.01},
        on="one parameter",
    ),
    Limit(
        *("eva", "sofim-layer", "one example a step, no averages, v = g, β = 0, ρ = γ"),
        {"decay": 0.0, "damping": 0.5},
        {"vector": "gradient", "beta": 0.0, "rho": 0.5},
        batch=1,
    ),
    Limit(
        *("ekfac", "sofim-layer", "one example a step, the data's labels, no averages, v = g, β = 0, ρ = λ"),
        {"labels": "data", "decay": 0.0, "diagonal_decay": 0.0, "update_every": 1, "damping": 0.5},
        {"vector": "gradient", "beta": 0.0, "rho": 0.5},
        batch=1,
    ),
    Limit("kfac-frobenius", "kfac", "one example a step, no averages", {"decay": 0.0}, {"decay": 0.0}, batch=1),
    Limit(
        *("foof", "newton", "a linear model and least squares: A ⊗ I is the Hessian"),
        {"decay": 0.0, "damping": 0.5},
        _NO_SEARCH | {"damping": 0.5, "lr": 0.1},
        on="linear network",
    ),
)
