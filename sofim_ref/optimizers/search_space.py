"""Where a hyper-parameter is searched: in an interval, evenly on a logarithmic scale, or among a few values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class LogUniform:
    """A hyper-parameter whose logarithm is searched evenly.

    Parameters
    ----------
    low, high : float
        The ends, 0 < low < high.

    Examples
    --------
    >>> LogUniform(1e-3, 10.0).middle
    0.1
    """

    low: float
    high: float

    def __str__(self) -> str:
        """Return the two ends."""
        return f"{self.low:g} … {self.high:g}"

    @property
    def middle(self) -> float:
        """The geometric mean of the two ends."""
        return math.sqrt(self.low * self.high)

    def draw(self, rng: np.random.Generator) -> float:
        """Return a number between the ends."""
        return float(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))


@dataclass(frozen=True)
class OneOf:
    """A hyper-parameter that is searched among a few values.

    Parameters
    ----------
    values : tuple
        The values; the middle one counts as the first guess.

    Examples
    --------
    >>> OneOf((0.0, 0.5, 0.9, 0.95, 0.99)).middle
    0.9
    """

    values: tuple[Any, ...]

    def __str__(self) -> str:
        """Return the values."""
        return ", ".join(map(str, self.values))

    @property
    def middle(self) -> Any:
        """The value in the middle."""
        return self.values[len(self.values) // 2]

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one of the values."""
        return self.values[int(rng.integers(len(self.values)))]


Space = Mapping[str, LogUniform | OneOf]
"""From a hyper-parameter's name to where it is searched."""
