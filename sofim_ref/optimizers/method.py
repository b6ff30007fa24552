"""What a catalogue says of a method: written beside the method, read by every table, every test and every search."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sofim_ref.optimizers.optimizer import Optimizer


@dataclass(frozen=True)
class LogUniform:
    """A hyper-parameter whose logarithm is searched evenly.

    Parameters
    ----------
    low, high : float
        The ends, 0 < low < high.

    Examples
    --------
    >>> LogUniform(1e-3, 1.0).middle
    0.03162...
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
    >>> OneOf((0.0, 0.9, 0.99)).middle
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


@dataclass(frozen=True)
class Method:
    """A named reading of an optimizer, with what is to be known of it.

    Parameters
    ----------
    name : str
        How a command line calls it.
    title : str
        How a plot calls it.
    make : callable
        Keyword arguments (``lr``, say) -> `Optimizer`, with the reading's own settings filled in.
    matrix, vector : str
        C and v, in the formulas' letters.
    cost, memory : str
        Of one step beyond the gradient; d parameters, B examples, C outputs.
    source : str
        Paper and equation.
    open : str
        What nothing read so far settles; empty if nothing is.
    space : mapping
        From a hyper-parameter to where a race looks for it; all others stay at their defaults.
    needs_steps : bool
        Whether the method must be told, as ``steps``, how many steps the run will have.
    """

    name: str
    title: str
    make: Callable[..., Optimizer[Any]]
    matrix: str
    vector: str
    cost: str
    memory: str
    source: str
    open: str = ""
    space: Mapping[str, LogUniform | OneOf] = field(default_factory=lambda: {"lr": LogUniform(1e-3, 1.0)})
    needs_steps: bool = False

    def build(self, *, steps: int, **settings: Any) -> Optimizer[Any]:
        """Return the optimizer for a run of that many steps, with these settings and the reading's own."""
        return self.make(**settings, **({"steps": steps} if self.needs_steps else {}))
