"""SOFIM's redescending step length: its steps are longest where ‖g‖ = √ρ, and shorter on either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.optimizers import SOFIM
from sofim_ref.problems import Problem
from sofim_ref.training.minimize import minimize

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Redescent:
    """The lengths of SOFIM's steps, and the gradient norm at which they are longest.

    Parameters
    ----------
    gradient_norms, step_norms : array, shape (T,)
        ‖g‖ at each point, and the length of the step from there.
    crossover : float
        The ‖g‖ of the longest step.
    spacing : float
        The distance to the neighbouring steps' ‖g‖: the crossover is known no better.
    predicted : float
        √ρ.
    """

    gradient_norms: Numbers
    step_norms: Numbers
    crossover: float
    spacing: float
    predicted: float


def redescent(problem: Problem, w0: Array, *, rho: float, lr: float, steps: int) -> Redescent:
    r"""Run SOFIM with β = 0 from far away, and return where its steps are longest.

    A step is as long as :math:`\eta \|g\| / (\rho + \|g\|^2)`: it rises with ‖g‖ up to ‖g‖ = √ρ, and falls beyond. A
    run that starts at a larger gradient speeds up as it comes nearer, and slows down only after the crossover.

    Parameters
    ----------
    problem : Problem
    w0 : array, shape (d,)
        Where ‖g‖ is above √ρ.
    rho, lr : float
        SOFIM's. A small lr makes the crossover sharp.
    steps : int
        Enough to come below √ρ.

    Returns
    -------
    Redescent

    Raises
    ------
    ValueError
        If the longest step is the first or the last: the run doesn't cross √ρ.
    """
    trace = minimize(problem, SOFIM(lr=lr, rho=rho, beta=0.0), steps=steps, w0=w0, on_interrupt="raise")
    norms, lengths = trace["gradient_norm"][:-1], trace["step_norm"][1:]
    longest = int(np.argmax(lengths))
    if longest in (0, len(lengths) - 1):
        msg = f"the run must cross ‖g‖ = √rho = {rho**0.5:.3g}, got norms from {norms[0]:.3g} to {norms[-1]:.3g}."
        raise ValueError(msg)
    spacing = float(np.max(np.abs(np.diff(norms[longest - 1 : longest + 2]))))
    return Redescent(norms, lengths, float(norms[longest]), spacing, rho**0.5)
