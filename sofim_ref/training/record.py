"""The rows of a trace, and the reasons for which a run ends."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from enum import Enum


class Status(Enum):
    """Why a run ended, each in a full sentence."""

    CONVERGED = "The gradient norm fell to the tolerance."
    BUDGET_SPENT = "All the steps that were allowed have been taken."
    DIVERGED = (
        "The loss or the point stopped being finite, or the loss ended above its start by more than ten times its own "
        "scale; the last finite point on record is returned."
    )
    WRONG_GRADIENT = (
        "The loss doesn't fall along −g as it does if g is its gradient, at the start or at the end of the run; "
        "sofim_ref.check_gradient(problem, w) says where it is wrong."
    )
    SINGULAR = "C could not be inverted, damping > 0 makes it regular; the last point on record is returned."
    STOPPED = "A callback asked to stop."
    INTERRUPTED = "The run was interrupted from the keyboard; the last point on record is returned."

    @property
    def message(self) -> str:
        """The sentence; ``trace.message`` is that of one run, with its numbers."""
        return self.value

    @property
    def failed(self) -> bool:
        """Whether the run ended where it could not go on."""
        return self in (Status.DIVERGED, Status.WRONG_GRADIENT, Status.SINGULAR)


@dataclass(frozen=True)
class Record:
    """A row of a trace: the loss at a point, and what it took to reach it.

    Parameters
    ----------
    step : int
        The number of steps taken to reach the point, those of an earlier run that this one continues included.
    epoch : float
        The number of passes over the data, counted in the examples that steps used.
    loss : float
        The mean loss over all examples, l2 term included.
    gradient_norm : float
        The Euclidean norm of its gradient.
    step_norm : float
        The length of the last step; 0 at the start.
    seconds : float
        Time that this run spent in the optimizer; what a record costs is not included.
    oracle_calls : int
        The number of answers that the optimizer had computed in this run.
    gradient_evaluations : float
        What they cost, in gradients over all N examples; a Hessian-vector product counts as two: see `Problem.price`.
    diagnostics : dict
        What C did in the last step, if ``diagnostics`` asked for it: see `training.diagnostics.diagnose`. NaN where no
        step has been taken yet, and where ``Trace.reasons`` says why.
    metrics : dict
        The values of the run's own metrics here, by name.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.eye(1), np.zeros(1))
    >>> first, last = sr.minimize(bowl, sr.SGD(lr=0.5), steps=1, w0=np.ones(1), diagnostics=True).records
    >>> last.loss, last.diagnostics["cosine"]
    (0.125, 1.0)
    >>> "cosine" in first.row, "cosine" in first.as_dict(), last.as_dict()["cosine"]
    (True, False, 1.0)
    """

    step: int
    epoch: float
    loss: float
    gradient_norm: float
    step_norm: float
    seconds: float
    oracle_calls: int
    gradient_evaluations: float
    diagnostics: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, float]:
        """The numbers of every column by its name."""
        return {name: getattr(self, name) for name in COLUMNS} | self.diagnostics | self.metrics

    def as_dict(self) -> dict[str, float]:
        """Return the finite numbers of the row by their columns' names: what JSON and trackers of runs can take."""
        return {name: value for name, value in self.row.items() if math.isfinite(value)}


COLUMNS = tuple(f.name for f in dataclasses.fields(Record) if f.name not in ("diagnostics", "metrics"))
"""The columns that every trace has."""
