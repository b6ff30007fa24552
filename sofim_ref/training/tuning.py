"""The same small search for everyone: which step size suits a method on a problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import eps, namespace, smallest_normal
from sofim_ref.optimizers import Method
from sofim_ref.problems import Problem
from sofim_ref.training.minimize import minimize
from sofim_ref.training.trace import Status, Trace

GRID = tuple(10.0 ** (half / 2) for half in range(-6, 5))
"""Step sizes from 0.001 to 100, two a decade."""


@dataclass(frozen=True)
class Choice:
    """The step size that a search settled on, and what it saw.

    Parameters
    ----------
    lr : float
        The best step size of the grid.
    scores : dict
        From each step size to the mean of log₁₀ of the loss gap over its run; infinite for a run that diverged.
    """

    lr: float
    scores: dict[float, float]

    @property
    def at_edge(self) -> bool:
        """Whether the best is the smallest or the largest of the grid, so that a wider grid might hold a better one."""
        return self.lr in (min(self.scores), max(self.scores))


def gap(trace: Trace, optimal_loss: float) -> np.ndarray[Any, Any]:
    """Return how far each loss of a trace lies above the optimal one, shape (records,), no less than its rounding.

    Parameters
    ----------
    trace : Trace
    optimal_loss : float
        The loss at the optimum.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.eye(1), np.zeros(1))
    >>> gap(sr.minimize(bowl, sr.SGD(lr=0.5), steps=2, w0=np.ones(1)), optimal_loss=0.0)
    array([0.5    , 0.125  , 0.03125])
    """
    xp, dtype = namespace(trace.w), trace.w.dtype
    rounding = max(eps(xp, dtype) * abs(optimal_loss), smallest_normal(xp, dtype))
    return np.maximum(trace["loss"] - optimal_loss, rounding)


def choose_lr(
    problem: Problem,
    method: Method,
    *,
    steps: int,
    optimal_loss: float,
    grid: Iterable[float] = GRID,
    batch_size: int | None = None,
    seed: int = 0,
    tolerance: float = 0.0,
    before_each: Callable[[], Any] | None = None,
) -> Choice:
    """Try every step size of a grid for the same number of steps and return the best.

    Parameters
    ----------
    problem : Problem
    method : Method
        Every hyper-parameter but `lr` stays at the method's default.
    steps : int
        The budget of each trial.
    optimal_loss : float
        The loss at the optimum, from which gaps are measured.
    grid : iterable of float
        The step sizes.
    batch_size, seed, tolerance
        As in `minimize`.
    before_each : callable, optional
        Called before each step size is tried.

    Returns
    -------
    Choice
        The best is the one with the smallest mean of log₁₀ of the loss gap, start to end: it rewards a fast start and a
        good end alike. A run that converges early keeps its last gap to the end; one that diverges is out.

    Raises
    ------
    ValueError
        If every step size of the grid diverged.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.eye(1), np.zeros(1))
    >>> choose_lr(bowl, sr.optimizers.REGISTRY["sgd"], steps=5, optimal_loss=0.0).lr
    1.0
    """
    scores = {}
    for lr in grid:
        if before_each is not None:
            before_each()
        trace = minimize(
            problem,
            method.build(steps=steps, lr=lr),
            steps=steps,
            batch_size=batch_size,
            seed=seed,
            tolerance=tolerance,
            record_every=1,
        )
        heights = np.log10(gap(trace, optimal_loss))
        left_over = steps + 1 - len(heights) if trace.status is Status.CONVERGED else 0
        mean = np.mean(np.pad(heights, (0, left_over), mode="edge"))
        scores[lr] = math.inf if trace.status in (Status.DIVERGED, Status.SINGULAR) else float(mean)
    best = min(scores, key=scores.__getitem__)
    if math.isinf(scores[best]):
        msg = f"{method.title} diverged with every step size from {min(scores):g} to {max(scores):g}."
        raise ValueError(msg)
    return Choice(best, scores)
