"""The search for a method's step size on a problem: the same small grid for every method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, namespace, smallest_normal
from sofim_ref.arrays.validation import an_instance
from sofim_ref.optimizers import Method, Optimizer, Schedule
from sofim_ref.problems import Problem
from sofim_ref.training.minimize import minimize
from sofim_ref.training.record import Record, Status
from sofim_ref.training.trace import Trace

GRID = tuple(10.0 ** (half / 2) for half in range(-6, 5))
"""Step sizes from 0.001 to 100, two a decade."""


@dataclass(frozen=True)
class Choice:
    """The step size that a search settled on, and the scores of all.

    Parameters
    ----------
    lr : float or schedule
        The best step size of the grid; the method's own where none was searched.
    scores : dict
        The mean of log₁₀ of the loss gap over the run of each step size; infinite for a run that diverged; for one that
        ended early a lower bound on it, above the best. Empty where none was searched.
    ended_early : dict
        The number of steps that each trial took which could no longer win.
    trace : Trace or None
        The run with the best step size; None where none was searched.
    """

    lr: float | Schedule
    scores: dict[float, float]
    ended_early: dict[float, int] = field(default_factory=dict)
    trace: Trace | None = field(default=None, repr=False, compare=False)

    @property
    def at_edge(self) -> bool:
        """Whether the best is the smallest or the largest of the grid: a wider grid might have a better one."""
        return bool(self.scores) and self.lr in (min(self.scores), max(self.scores))

    def to_rows(self) -> list[dict[str, float | None]]:
        """Return each step size with its score, or with the lower bound and the steps after which its trial ended."""
        return [
            {
                "lr": lr,
                "mean_log10_gap": score if (steps := self.ended_early.get(lr)) is None else None,
                "mean_log10_gap_at_least": score,
                "ended_after_steps": steps,
            }
            for lr, score in self.scores.items()
        ]


def gap(trace: Trace, optimal_loss: float) -> np.ndarray[Any, Any]:
    """Return how far each loss of a trace lies above the optimal one, shape (records,), at least by its rounding.

    Parameters
    ----------
    trace : Trace
    optimal_loss : float
        The loss at the optimum.

    Raises
    ------
    TypeError
        If `trace` is no `Trace`.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.eye(1), np.zeros(1))
    >>> gap(sr.minimize(bowl, sr.SGD(lr=0.5), steps=2, w0=np.ones(1)), optimal_loss=0.0)
    array([0.5    , 0.125  , 0.03125])
    """
    an_instance("trace", trace, Trace, "minimize returns one")
    return np.maximum(trace["loss"] - optimal_loss, _rounding(trace.w, optimal_loss))


def _rounding(w: Array, optimal_loss: float) -> float:
    """Return the rounding of the optimal loss in the dtype of w."""
    xp, dtype = namespace(w), w.dtype
    return float(max(eps(xp, dtype) * abs(optimal_loss), smallest_normal(xp, dtype)))


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
    store_points: bool = False,
    diagnostics: bool = False,
    before_each: Callable[[], Any] | None = None,
) -> Choice:
    r"""Run a method with every step size of a grid for the same number of steps and return the best step size.

    Parameters
    ----------
    problem : Problem
    method : Method
        Every hyper-parameter but `lr` stays at the method's default. One without ``lr`` in its search space, such as
        `Method.of` makes, keeps its own step size: nothing is run.
    steps : int
        The budget of each trial.
    optimal_loss : float
        The loss at the optimum, from which gaps are measured.
    grid : iterable of float
        The step sizes.
    batch_size, seed, tolerance, store_points, diagnostics
        As in `minimize`; the method's own random numbers are drawn from the seed too.
    before_each : callable, optional
        Called before each step size is tried.

    Returns
    -------
    Choice
        The best is the one with the smallest mean of log₁₀ of the loss gap, start to end: it rewards a fast start and a
        good end alike. A run that converges early keeps its last gap to the end; one that diverges scores infinity.

    Raises
    ------
    TypeError
        If `method` is not a `Method`.
    ValueError
        If the method diverged with every step size of the grid.

    Notes
    -----
    The gap is nowhere less than its rounding δ, so that after t of T steps a trial's score is at least

    .. math:: \frac{1}{T + 1} \Big(\sum_{s = 0}^{t} \log_{10} \text{gap}_s + (T - t) \log_{10} \delta\Big) .

    It ends as soon as that is above the best score so far: the step size returned is that of a search to the end, to
    the last bit. The trials begin with the step size nearest to 1, where Newton's method and those like it are best;
    for them the search then costs little more than one run.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.eye(1), np.zeros(1))
    >>> choose_lr(bowl, sr.optimizers.REGISTRY["sgd"], steps=5, optimal_loss=0.0).lr
    1.0
    """
    if not isinstance(method, Method):
        msg = f"method must be a sofim_ref Method, got {method!r}; Method.of(optimizer) makes one."
        raise TypeError(msg)
    if "lr" not in method.space:
        return Choice(method.build(steps=steps).lr, {})
    grid = tuple(grid)
    scores, ended_early, traces = dict.fromkeys(grid, math.inf), {}, {}
    budget: dict[str, Any] = {"batch_size": batch_size, "seed": seed, "tolerance": tolerance}
    if grid:  # what a backend compiles in the first step is no trial's time
        minimize(problem, method.build(steps=steps, seed=seed, lr=grid[0]), steps=1, **budget, on_interrupt="raise")
    for lr in sorted(grid, key=lambda lr: abs(lr - 1) / (abs(lr) + 1)):  # by |log lr|
        if before_each is not None:
            before_each()
        trace, scores[lr] = _trial(
            problem,
            method.build(steps=steps, seed=seed, lr=lr),
            optimal_loss,
            min(scores.values()),
            steps=steps,
            store_points=store_points,
            diagnostics=diagnostics,
            **budget,
        )
        if scores[lr] == min(scores.values()):
            traces[lr] = trace
        if trace.status is Status.STOPPED:
            ended_early[lr] = trace.records[-1].step
    best = min(scores, key=scores.__getitem__)
    if math.isinf(scores[best]):
        msg = f"{method.title} diverged with every step size from {min(scores):g} to {max(scores):g}."
        raise ValueError(msg)
    return Choice(best, scores, ended_early, traces[best])


def _trial(
    problem: Problem, optimizer: Optimizer[Any], optimal_loss: float, best: float, *, steps: int, **budget: Any
) -> tuple[Trace, float]:
    """Return a run that ends once its score can't be below `best`, and the score: what it can be at least, if so."""
    smallest = _rounding(problem.initial_point(budget["seed"]), optimal_loss)
    heights: list[float] = []

    def mean(rest: float) -> float:  # by a sum without rounding, which no larger height can make smaller
        return math.fsum([*heights, *[rest] * (steps + 1 - len(heights))]) / (steps + 1)

    def is_out_of_reach(record: Record, _: Array) -> bool:
        heights.append(math.log10(max(record.loss - optimal_loss, smallest)))
        return len(heights) <= steps and mean(math.log10(smallest)) > best

    trace = minimize(
        problem,
        optimizer,
        steps=steps,
        record_every=1,
        callbacks=(is_out_of_reach,),
        on_interrupt="raise",
        **budget,
    )
    if trace.status.failed:
        return trace, math.inf
    return trace, mean(heights[-1] if trace.status is Status.CONVERGED else math.log10(smallest))
