"""A museum of mistakes: small wrong Fishers, products and optimizers, and what the checks must say of each."""

from types import MappingProxyType

from sofim_ref.testing.museum import (
    convolutions,
    factors,
    labels,
    layouts,
    likelihoods,
    optimizers,
    products,
    sherman_morrison,
    sums,
)
from sofim_ref.testing.museum.asking import Said, ask
from sofim_ref.testing.museum.exhibit import Exhibit, Symptom
from sofim_ref.testing.museum.setting import Setting, setting

HALLS = MappingProxyType(
    {
        "Sums and means": sums,
        "Labels": labels,
        "Likelihoods": likelihoods,
        "Layouts and parts": layouts,
        "Kronecker factors": factors,
        "Convolutions": convolutions,
        "Products": products,
        "Optimizers": optimizers,
        "SOFIM's formula": sherman_morrison,
    }
)
"""The modules that exhibits are in, by what they are about."""

EXHIBITS = MappingProxyType(
    {thing.name: thing for hall in HALLS.values() for thing in vars(hall).values() if isinstance(thing, Exhibit)}
)
"""Every exhibit by its name."""

__all__ = ["EXHIBITS", "HALLS", "Exhibit", "Said", "Setting", "Symptom", "ask", "setting"]
