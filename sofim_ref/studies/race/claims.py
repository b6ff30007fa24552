"""What the papers claim of each other, as pairs of methods: the race sets its own numbers beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sofim_ref.optimizers import REGISTRY


@dataclass(frozen=True)
class Claim:
    """That one method is faster than others to given losses and accuracies.

    Parameters
    ----------
    readings : tuple of str
        The registry's names of the method that is said to be faster: one a reading.
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


def claimed_methods() -> tuple[str, ...]:
    """Return the registered methods that the claims name: who races unless others are asked for."""
    named = [name for claim in CLAIMS for name in (*claim.readings, *claim.others)]
    return tuple(name for name in dict.fromkeys(named) if name in REGISTRY)


def pairs(methods: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs (said to be faster, said to be slower) of which both are among the methods.

    Parameters
    ----------
    methods : iterable of str
        Names in the registry.

    Returns
    -------
    list of tuple of str

    Examples
    --------
    >>> pairs(["sgd", "heavy-ball", "sofim"])
    [('sofim', 'heavy-ball')]
    """
    racing = set(methods)
    return [
        (first, other)
        for claim in CLAIMS
        for first in claim.readings
        for other in claim.others
        if {first, other} <= racing
    ]
