"""Performance profiles: within which factor of the best a method is, on which share of the problems."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sofim_ref.arrays.validation import an_instance, non_negative

Key = TypeVar("Key")

FACTORS = (1.0, 2.0, 5.0, 10.0)
"""The factors τ that tables show."""


@dataclass(frozen=True)
class PerformanceProfile:
    r"""The share :math:`\rho(\tau)` of problems that a method solves within a factor τ of the best method's cost.

    .. math:: \rho(\tau) = \frac{1}{P} \, \#\Big\{p : \frac{t_p}{\min_s t_{p,s}} \le \tau\Big\}

    ρ never falls; ρ(1) is the share of problems on which the method is the best or one of the best, and its limit for
    τ → ∞ the share that it solves at all.

    Parameters
    ----------
    ratios : tuple of float
        For each problem, the method's cost divided by the lowest of all methods'; ∞ where it failed.

    Notes
    -----
    Source: Dolan & Moré (2002), eq. 2, doi:10.1007/s101070100263.

    Examples
    --------
    >>> profile = PerformanceProfile((1.0, 3.0, math.inf, 1.5))
    >>> profile.share(1), profile.share(2), profile.solved
    (0.25, 0.5, 0.75)
    """

    ratios: tuple[float, ...]

    def share(self, factor: float) -> float:
        """Return ρ(τ), the share of problems solved within that factor of the best."""
        return sum(math.isfinite(ratio) and ratio <= factor for ratio in self.ratios) / len(self.ratios)

    @property
    def solved(self) -> float:
        """The share of problems that the method solves at all."""
        return sum(map(math.isfinite, self.ratios)) / len(self.ratios)


def performance_profiles(costs: Mapping[Key, Sequence[float]]) -> dict[Key, PerformanceProfile]:
    """Return each method's performance profile among the others.

    Parameters
    ----------
    costs : mapping
        From a method to its costs, one a problem, at least one, in the same order for every method: numbers >= 0, ∞
        where it failed.

    Returns
    -------
    dict
        A problem that no method solves counts as failed for all.

    Raises
    ------
    TypeError, ValueError
        If `costs` is no mapping to lists of numbers >= 0, one a problem and as many for each method.

    Examples
    --------
    >>> profiles = performance_profiles({"a": [1.0, math.inf], "b": [2.0, 5.0]})
    >>> profiles["a"].ratios, profiles["b"].ratios
    ((1.0, inf), (2.0, 1.0))
    """
    _check(costs)
    lowest = [min(column) for column in zip(*costs.values(), strict=True)]
    return {
        key: PerformanceProfile(tuple(_ratio(cost, low) for cost, low in zip(mine, lowest, strict=True)))
        for key, mine in costs.items()
    }


def _check(costs: Mapping[Key, Sequence[float]]) -> None:
    """Refuse anything but numbers >= 0, NaN not among them, as many for each method as for the others."""
    an_instance("costs", costs, Mapping, "{'a method': [1.0, 2.0]} is one")
    number = None
    for key, mine in costs.items():
        an_instance(f"costs[{key!r}]", mine, Collection, "one number a problem is needed")
        if len(mine) == 0 or len(mine) != (number or len(mine)):
            msg = f"costs must have as many numbers for each method, one at least, got {number or 1} and {len(mine)}."
            raise ValueError(msg)
        number = len(mine)
        for cost in mine:
            if cost != math.inf:
                non_negative(f"costs[{key!r}]", cost)


def _ratio(cost: float, lowest: float) -> float:
    """Return cost/lowest: 1 for a cost of 0, which is the lowest, and ∞ for any other beside it."""
    if math.isinf(cost):
        return math.inf
    return 1.0 if cost == lowest else cost / lowest if lowest else math.inf
