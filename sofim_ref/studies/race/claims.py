"""What the papers claim of each other's methods, as pairs: a race sets its own numbers beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sofim_ref.optimizers import REGISTRY, Method


@dataclass(frozen=True)
class Claim:
    """That one method is faster than others to given losses and accuracies.

    Parameters
    ----------
    readings : tuple of str
        The names of the method that is said to be faster: one a reading.
    others : tuple of str
        Those that it is said to be faster than.
    """

    readings: tuple[str, ...]
    others: tuple[str, ...]


CLAIMS = (
    Claim(("sofim", "sofim-gradient"), ("heavy-ball", "nystrom-sgd", "lbfgs", "adahessian")),
    Claim(("soaa",), ("adam",)),
    Claim(("adafisher",), ("adam", "kfac")),
)
"""The claims of the SOFIM, SOAA and AdaFisher papers."""


def claimed_methods() -> tuple[Method, ...]:
    """Return the registered methods that the claims name: who races unless others are asked for."""
    named = [name for claim in CLAIMS for name in (*claim.readings, *claim.others)]
    return tuple(REGISTRY[name] for name in dict.fromkeys(named) if name in REGISTRY)


def pairs(methods: Iterable[Method]) -> list[tuple[Method, Method]]:
    """Return the pairs (said to be faster, said to be slower) of which both are among the methods.

    Parameters
    ----------
    methods : iterable of Method

    Returns
    -------
    list of tuple of Method

    Examples
    --------
    >>> racing = (REGISTRY[name] for name in ("sgd", "heavy-ball", "sofim"))
    >>> [(one.name, other.name) for one, other in pairs(racing)]
    [('sofim', 'heavy-ball')]
    """
    racing = {method.name: method for method in methods}
    return [
        (racing[first], racing[other])
        for claim in CLAIMS
        for first in claim.readings
        for other in claim.others
        if {first, other} <= racing.keys()
    ]
