"""What a run had spent when it passed a mark; what all seeds say of it, with "not reached" kept apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from sofim_ref.studies.race.run import Result

COSTS = ("epochs", "gradient evaluations", "seconds")
"""In what the way to a target is counted."""


def cost_to(result: Result, criterion: str, target: float, cost: str) -> float:
    """Return what a run had spent when it was first seen at a target or beyond it; ∞ if it never was.

    Parameters
    ----------
    result : Result
    criterion : str
        One of `CRITERIA`: losses are to fall to the target, the score to rise to it.
    target : float
    cost : str
        One of `COSTS`.

    Returns
    -------
    float
    """
    for seen, spent in zip(result.curves[criterion], result.curves[cost], strict=True):
        if seen >= target if criterion == "score" else seen <= target:
            return spent
    return math.inf


def best_so_far(result: Result, criterion: str) -> list[float]:
    """Return, for each measurement of a run, the best of it and those before: the highest score, the lowest loss."""
    better = max if criterion == "score" else min
    worst = -math.inf if criterion == "score" else math.inf
    seen = (worst if math.isnan(value) else value for value in result.curves[criterion])
    return list(itertools.accumulate(seen, better))


@dataclass(frozen=True)
class Spread:
    """What all seeds say of one number.

    Parameters
    ----------
    values : tuple of float
        One a seed; ∞ where the target was not reached.

    Examples
    --------
    >>> spread = Spread((3.0, math.inf, 1.0, 2.0, math.inf))
    >>> spread.median, spread.lower, spread.upper, spread.reached
    (3.0, 2.0, inf, 3)
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over all seeds, ∞ if half of them or more didn't reach the target."""
        return quantile(self.values, 0.5)

    @property
    def lower(self) -> float:
        """The lower quartile."""
        return quantile(self.values, 0.25)

    @property
    def upper(self) -> float:
        """The upper quartile."""
        return quantile(self.values, 0.75)

    @property
    def reached(self) -> int:
        """The number of seeds that reached the target."""
        return sum(map(math.isfinite, self.values))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the number below which a share of the values lies: linear between neighbours, ∞ beside an infinite one.

    Parameters
    ----------
    values : sequence of float
        At least one; none NaN.
    share : float
        From 0 to 1.

    Returns
    -------
    float

    Examples
    --------
    >>> quantile([1.0, 2.0, math.inf], 0.5), quantile([1.0, math.inf], 0.5), quantile([1.0, 2.0], 0.25)
    (2.0, inf, 1.25)
    """
    ordered = sorted(values)
    below, part = divmod(share * (len(ordered) - 1), 1)
    low = ordered[int(below)]
    return low if part == 0 else low + part * (ordered[int(below) + 1] - low) if math.isfinite(low) else math.inf
