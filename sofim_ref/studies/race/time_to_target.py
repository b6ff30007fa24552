"""The cost of a run until it reached a target, and its distribution over the seeds; a failed run is the worst."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from sofim_ref.arrays.validation import shown
from sofim_ref.studies.race.run import Result

COSTS = ("epochs", "gradient evaluations", "seconds")
"""The units in which the way to a target is measured."""


def worst(criterion: str) -> float:
    """Return the worst value of a criterion, which a failed run counts as: −∞ of the score, ∞ of a loss."""
    return -math.inf if criterion == "score" else math.inf


def cost_to(result: Result, criterion: str, target: float, cost: str) -> float:
    """Return what a run had spent when it was first measured at a target or beyond it.

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
        ∞ if it was not, and for a run that diverged or failed, even after it had reached the target.
    """
    if not result.finished:
        return math.inf
    for seen, spent in zip(result.curves[criterion], result.curves[cost], strict=True):
        if seen >= target if criterion == "score" else seen <= target:
            return spent
    return math.inf


def best_so_far(result: Result, criterion: str) -> list[float]:
    """Return, for each measurement of a run, the best of it and those before: the highest score, the lowest loss."""
    better, fallback = max if criterion == "score" else min, worst(criterion)
    values = (fallback if math.isnan(value) else value for value in result.curves[criterion])
    return list(itertools.accumulate(values, better))


def at_the_end(result: Result, criterion: str) -> float:
    """Return the last measurement of a run; the worst value if it diverged or failed."""
    last = result.curves[criterion][-1] if result.finished else math.nan
    return worst(criterion) if math.isnan(last) else last


@dataclass(frozen=True)
class Spread:
    """The distribution of one number over the seeds.

    Parameters
    ----------
    values : tuple of float
        One a seed; ∞, or −∞ of a score, where the target was not reached or the run failed.

    Examples
    --------
    >>> spread = Spread((3.0, math.inf, 1.0, 2.0, math.inf))
    >>> spread.median, spread.lower, spread.upper, spread.reached
    (3.0, 2.0, inf, 3)
    """

    values: tuple[float, ...]

    def times(self, factor: float) -> Spread:
        """Return the distribution in another unit."""
        return Spread(tuple(factor * value for value in self.values))

    @property
    def median(self) -> float:
        """The median over all seeds, infinite if half of them or more are."""
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
        """The number of seeds with a finite value."""
        return sum(map(math.isfinite, self.values))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the number below which a share of the values lies: linear between neighbours, infinite if one of them is.

    Parameters
    ----------
    values : sequence of float
        At least one; none NaN, and not both ∞ and −∞.
    share : float
        From 0 to 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there are no values, or the share is not in [0, 1].

    Examples
    --------
    >>> quantile([1.0, 2.0, math.inf], 0.5), quantile([1.0, math.inf], 0.5), quantile([1.0, 2.0], 0.25)
    (2.0, inf, 1.25)
    >>> quantile([-math.inf, 0.5], 0.75)
    -inf
    """
    ordered = sorted(values)
    if not ordered or not 0 <= share <= 1:
        msg = f"values must have a number, and share lie in [0, 1], got {shown(values)} and {share!r}."
        raise ValueError(msg)
    below, part = divmod(share * (len(ordered) - 1), 1)
    low = ordered[int(below)]
    return low if part == 0 or math.isinf(low) else low + part * (ordered[int(below) + 1] - low)
