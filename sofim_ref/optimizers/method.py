"""What a catalogue says of a method: written beside the method, read by every table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sofim_ref.optimizers.optimizer import Optimizer


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
