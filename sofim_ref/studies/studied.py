"""What the convergence study found: of all methods, and of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.convergence import LinearQuadratic, Order
from sofim_ref.optimizers import Method, Optimizer
from sofim_ref.problems import Problem
from sofim_ref.studies.predicted_run import PredictedRun
from sofim_ref.training import Trace

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Studied:
    """What the study found of one method.

    Parameters
    ----------
    optimizer : Optimizer
        With the settings that it ran with.
    trace : Trace
        Its run, with all points.
    bound : LinearQuadratic
        Of every step.
    order, rate : Order or None
        Of the tail, fitted freely, and as a linear one; None if too few steps stay above the floor.
    dennis_more : array, shape (T,)
    grades : array, shape (T,)
        Each step's grade over the natural gradient's: 1 is best; infinite where the loss rises along the step's
        direction, as it may along a moment's; NaN where there is none.
    spectrum : array, shape (d,)
        The eigenvalues of C/η in the last step.
    predicted : PredictedRun or None
        A run from inside the ball in which a theorem promises convergence; None if no theorem is about the method.
    """

    method: Method
    optimizer: Optimizer[Any]
    trace: Trace
    bound: LinearQuadratic
    order: Order | None
    rate: Order | None
    dennis_more: Numbers
    grades: Numbers
    spectrum: Numbers
    predicted: PredictedRun | None

    @property
    def failure(self) -> str:
        """Why the run failed; empty if it didn't. What is found of a run that failed is that of its finite part."""
        return self.trace.message if self.trace.status.failed else ""


@dataclass(frozen=True, eq=False)
class Study:
    """What `study_convergence` found.

    Parameters
    ----------
    reference : str
        What `optimum` is: ``"optimum"``, or ``"local minimum"`` for a loss without a known optimum.
    spectrum : array, shape (d,)
        The eigenvalues of the Hessian at the optimum.
    rho : float
        SOFIM's ρ.
    entries : tuple of Studied
        One a method.
    failed : dict
        From each method that failed before its first step could be studied to the reason.
    """

    title: str
    problem: Problem
    reference: str
    optimum: Array
    spectrum: Numbers
    rho: float
    entries: tuple[Studied, ...]
    failed: dict[Method, str]

    @property
    def holds(self) -> bool | None:
        """Whether every step that the bound covers ended within it; None if it certifies none."""
        found = {entry.bound.holds for entry in self.entries}
        return None if found <= {None} else False not in found
