"""SOFIM with ρ fixed and with ρ by each policy, where the loss is multiplied by a number that nobody told them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.optimizers import SOFIM, GradientRoot, LevenbergMarquardt, SquaredMoment, TrustRadius
from sofim_ref.problems import Function, Problem
from sofim_ref.training.minimize import minimize

Numbers = np.ndarray[Any, Any]

RULES: dict[str, Callable[[float], Any]] = {
    "fixed ρ": lambda c: c,
    "ρ = c‖M̂‖²": SquaredMoment,
    "ρ = √(c‖g‖)": GradientRoot,
    "ρ by the ratio": LevenbergMarquardt,
    "ρ by a radius": TrustRadius,
}
"""What ρ is, with one number each: ρ, c, the first ρ, the first Δ."""


@dataclass(frozen=True, eq=False)
class AdaptiveRho:
    """The steps that each rule for ρ takes when the loss is multiplied by a number.

    Parameters
    ----------
    scales : array, shape (K,)
        The numbers by which the loss is multiplied.
    steps : dict
        From a rule's name to the steps until the loss gap is the share of that at the start, shape (K,); infinite
        where the budget doesn't suffice.
    """

    scales: Numbers
    steps: dict[str, Numbers]


def best_settings(
    problem: Problem,
    optimal: float,
    *,
    rates: Sequence[float] = tuple(10.0 ** np.arange(-4, 4)),
    numbers: Sequence[float] = tuple(10.0 ** np.arange(-3, 3)),
    share: float = 1e-3,
    budget: int = 400,
) -> dict[str, tuple[float, float]]:
    """Return the η and the number with which each rule takes the fewest steps, the loss as it is.

    Parameters
    ----------
    problem : Problem
        On NumPy.
    optimal : float
        Its optimal loss.
    rates, numbers : sequence of float
        The grid: values of η, and of the rule's number.
    share, budget
        As in `adaptive_rho`.
    """
    grid = list(itertools.product(rates, numbers))
    settings = {}
    for name, rule in RULES.items():
        steps = [_steps(problem, optimal, 1.0, SOFIM(lr, rule(c)), share=share, budget=budget) for lr, c in grid]
        settings[name] = grid[int(np.argmin(steps))]
    return settings


def adaptive_rho(
    problem: Problem,
    optimal: float,
    settings: Mapping[str, tuple[float, float]],
    *,
    scales: Sequence[float] = tuple(10.0 ** np.arange(-3, 4)),
    share: float = 1e-3,
    budget: int = 400,
) -> AdaptiveRho:
    """Run SOFIM's moment reading with each rule for ρ, its settings unchanged, on the loss times each number.

    Parameters
    ----------
    problem : Problem
        On NumPy.
    optimal : float
        Its optimal loss.
    settings : mapping
        From a rule's name, of `RULES`, to its η and its number: those of `best_settings`, say.
    scales : sequence of float
        The numbers by which the loss is multiplied.
    share : float
        The accuracy, as a share of the loss gap at the start.
    budget : int
        The steps that a run may take.

    Returns
    -------
    AdaptiveRho
    """
    steps = {}
    for name, (lr, c) in settings.items():
        optimizer = SOFIM(lr, RULES[name](c))
        taken = [_steps(problem, optimal, scale, optimizer, share=share, budget=budget) for scale in scales]
        steps[name] = np.asarray(taken)
    return AdaptiveRho(np.asarray(scales), steps)


def _steps(problem: Problem, optimal: float, scale: float, optimizer: SOFIM, *, share: float, budget: int) -> float:
    """Return the steps until the gap of the loss times a number is that share of the gap at the start."""
    rescaled = Function(
        problem.dim,
        lambda w: scale * (problem.value(w) - optimal),
        lambda w: scale * problem.oracle(w).gradient(),
    )
    w0 = problem.initial_point()
    level = share * float(rescaled.value(w0))
    trace = minimize(
        rescaled,
        optimizer,
        steps=budget,
        w0=w0,
        callbacks=[lambda record, _: record.loss <= level],
        on_interrupt="raise",
    )
    last = trace.records[-1]
    return float(last.step) if last.loss <= level else np.inf
