"""Where each method stands: the structure of its C, and what C is an estimate of."""

from __future__ import annotations

from dataclasses import dataclass

STRUCTURES = (
    *("multiple of I", "diagonal", "I plus low rank", "diagonal plus low rank"),
    *("Kronecker product", "rotated diagonal", "dense"),
)
"""The structures of C, by what they can represent: the last two but one are of a block for each layer."""

ESTIMATES = (
    *("nothing", "outer products of batch gradients", "empirical Fisher matrix"),
    *("Fisher matrix", "Gauss–Newton matrix", "Hessian"),
)
"""What C stands for."""


@dataclass(frozen=True)
class Place:
    """A method's place on the map.

    Parameters
    ----------
    structure : str
        One of `STRUCTURES`: that of C, or of a layer's block of it.
    estimates : str
        One of `ESTIMATES`: of what C is an estimate, in that structure.
    """

    structure: str
    estimates: str


_METHODS = {
    ("multiple of I", "nothing"): "sgd heavy-ball nesterov",
    ("diagonal", "outer products of batch gradients"): "adam adamw soaa tadam adagrad rmsprop-rootfree",
    ("diagonal", "empirical Fisher matrix"): "adafisher adafisher-v1 adafisher-code adafisherw",
    ("diagonal", "Hessian"): "adahessian ivon",
    ("I plus low rank", "outer products of batch gradients"): "sofim sofim-gradient sofim-layer sofim-adaptive sofim-k",
    ("I plus low rank", "empirical Fisher matrix"): "eva",
    ("I plus low rank", "Gauss–Newton matrix"): "sketched-gauss-newton",
    ("I plus low rank", "Hessian"): "lbfgs nystrom-sgd fagh",
    ("diagonal plus low rank", "outer products of batch gradients"): "sofim-diagonal",
    ("Kronecker product", "outer products of batch gradients"): "shampoo shampoo-half kl-shampoo muon",
    ("Kronecker product", "Fisher matrix"): "kfac kfac-frobenius",
    ("Kronecker product", "Gauss–Newton matrix"): "foof",
    ("rotated diagonal", "outer products of batch gradients"): "soap",
    ("rotated diagonal", "Fisher matrix"): "ekfac",
    ("dense", "outer products of batch gradients"): "adagrad-full",
    ("dense", "empirical Fisher matrix"): "empirical-natural-gradient improved-natural-gradient",
    ("dense", "Fisher matrix"): "natural-gradient spring",
    ("dense", "Gauss–Newton matrix"): "gauss-newton",
    ("dense", "Hessian"): "newton newton-cg trust-region-newton cubic-newton bfgs broyden sr1",
}

PLACES: dict[str, Place] = {
    name: Place(structure, estimates) for (structure, estimates), names in _METHODS.items() for name in names.split()
}
"""From a registered method's name to its place."""
