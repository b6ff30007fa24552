"""Schedules of the learning rate: each a callable, step -> number, for any optimizer's `lr`.

Inside ``jax.jit`` the step is a tracer, and so is what these return.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sofim_ref.arrays import namespace
from sofim_ref.arrays.control_flow import choose
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.arrays.validation import count, non_negative, positive


@dataclass(frozen=True)
class Constant:
    """The same step size at every step.

    Parameters
    ----------
    lr : float
        The number η > 0.

    Raises
    ------
    TypeError, ValueError
        If `lr` is not a finite number > 0.

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    lr: float

    def __post_init__(self) -> None:
        positive("lr", self.lr)

    def __call__(self, step: int) -> float:
        """Return η."""
        return self.lr


@dataclass(frozen=True)
class Cosine:
    r"""Cosine annealing: :math:`\eta_0 + \tfrac12 (\eta - \eta_0)(1 + \cos(\pi t / T))`.

    Parameters
    ----------
    lr : float
        The number η > 0, at step 0.
    steps : int
        The number T of steps; from step T − 1 on the step size stays, so that it is never 0.
    lowest : float
        The number η₀ >= 0 that it would reach at step T.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range.

    Notes
    -----
    Source: Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5, without restarts.

    Examples
    --------
    >>> [round(Cosine(1.0, steps=4)(t), 3) for t in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.146, 0.146]
    """

    lr: float
    steps: int
    lowest: float = 0.0

    def __post_init__(self) -> None:
        positive("lr", self.lr)
        count("steps", self.steps)
        non_negative("lowest", self.lowest)

    def __call__(self, step: int) -> float:
        """Return the step size after that many steps."""
        turn = math.pi * choose(step < self.steps, step, self.steps - 1) / self.steps
        cosine = namespace(turn).cos(turn) if is_traced(turn) else math.cos(turn)
        return self.lowest + 0.5 * (self.lr - self.lowest) * (1 + cosine)


@dataclass(frozen=True)
class StepDecay:
    r"""Step decay: :math:`\eta\, \gamma^{\lfloor t / k \rfloor}`.

    Parameters
    ----------
    lr : float
        The number η > 0, at step 0.
    every : int
        The number k of steps between two decays.
    factor : float
        The factor γ > 0 of each decay.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> [StepDecay(1.0, every=2, factor=0.5)(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        positive("lr", self.lr)
        count("every", self.every)
        positive("factor", self.factor)

    def __call__(self, step: int) -> float:
        """Return the step size after that many steps."""
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True)
class WarmUp:
    """Linear warm-up: (t + 1)/k times another schedule in the first k steps, the schedule itself afterwards.

    Parameters
    ----------
    schedule : callable
        The schedule, step -> number; `Constant` for a plain number.
    steps : int
        The number k of warm-up steps.

    Raises
    ------
    TypeError, ValueError
        If `schedule` can't be called, or `steps` is not an integer >= 1.

    Examples
    --------
    >>> [WarmUp(Constant(1.0), steps=4)(t) for t in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    schedule: Callable[[int], float]
    steps: int

    def __post_init__(self) -> None:
        if not callable(self.schedule):
            msg = f"schedule must be callable, Constant({self.schedule!r}) say, got {self.schedule!r}."
            raise TypeError(msg)
        count("steps", self.steps)

    def __call__(self, step: int) -> float:
        """Return the step size after that many steps."""
        return choose(step < self.steps, (step + 1) / self.steps, 1.0) * self.schedule(step)
