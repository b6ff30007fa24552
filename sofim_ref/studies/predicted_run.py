"""A run from inside the ball in which a theorem promises its convergence, beside what the theorem promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.sums import norm
from sofim_ref.convergence import Prediction, predict
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Problem
from sofim_ref.training.minimize import minimize

SHARE = 1e-6
"""The share of the first error that runs and promises are measured by: six digits."""

LONGEST = 2000
"""The budget of such a run."""


@dataclass(frozen=True, eq=False)
class PredictedRun:
    """A run and its prediction.

    Parameters
    ----------
    prediction : Prediction
        Of radius, rate and factor, from the constants of the problem and the method's settings alone.
    error : array, shape (T + 1,)
        ‖w − w*‖ before the first step and after each.
    """

    prediction: Prediction
    error: np.ndarray[Any, Any]

    @property
    def promised(self) -> int:
        """After how many steps the error is at most `SHARE` of the first, by the theorem."""
        start = float(self.error[0])
        return self.prediction.steps_to(SHARE * start, start)

    @property
    def observed(self) -> int | None:
        """After how many steps it is; None if it never was within the budget."""
        below = np.flatnonzero(self.error <= SHARE * self.error[0])
        return int(below[0]) if below.size else None


def predicted_run(problem: Problem, optimizer: Optimizer[Any], optimum: Array, w0: Array) -> PredictedRun | None:
    """Run a method from inside the ball of its prediction; None if nothing is predicted of it there.

    Parameters
    ----------
    problem : Problem
    optimizer : Optimizer
    optimum, w0 : array, shape (d,)
        The run starts between them: as far from w* as the radius allows, but not beyond w₀.
    """
    try:
        prediction = predict(problem, optimizer, optimum=optimum)
    except ValueError:  # no theorem is about the method, or the loss has no constants
        return None
    away = w0 - optimum
    far = float(norm(away))
    start = min(far, 0.999 * prediction.radius)  # in w's dtype a point may lie a little farther out
    if not start > 0:
        return None
    trace = minimize(
        problem,
        optimizer,
        steps=min(prediction.steps_to(SHARE * start, start), LONGEST),
        w0=optimum + (start / far) * away,
        callbacks=[lambda _, w: float(norm(w - optimum)) <= SHARE * start],
        record_every=1,
        store_points=True,
        on_interrupt="raise",
    )
    return PredictedRun(prediction, np.asarray([float(norm(w - optimum)) for w in trace.points or ()]))
