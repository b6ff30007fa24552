"""The tour: verify, train, compare, on real data, and write down what came out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, Backend
from sofim_ref.arrays.sums import norm
from sofim_ref.convergence import replay
from sofim_ref.datasets import Dataset
from sofim_ref.optimizers import REGISTRY, Optimizer
from sofim_ref.problems import Problem
from sofim_ref.training.minimize import minimize
from sofim_ref.training.trace import Trace
from sofim_ref.training.tuning import GRID, Choice, choose_lr, gap
from sofim_ref.verify import Report, verify

METHODS = (
    "sofim",
    "sofim-gradient",
    "heavy-ball",
    "natural-gradient",
    "empirical-natural-gradient",
    "newton",
)
"""The methods that the tour compares unless others are named."""

SMALL = 100
"""Up to how many parameters a run has 200 steps, and is held against the theory of convergence."""

SHARE = 0.01
"""The share of the initial gap to which steps and seconds are counted."""

L2 = 1e-3
"""The weight of l2/2 ‖w‖² in the tour's losses: natural gradient's default damping."""


@dataclass(frozen=True)
class Entry:
    """One method's part in the tour.

    Parameters
    ----------
    method : str
        Its name in the registry.
    choice : Choice
        The step size, and how it was found.
    trace : Trace
        The run with that step size.
    final_gap : float
        The loss above the optimum at the end.
    held_out_error : float
        Of the last point, on the rows that were held out.
    steps, seconds, oracle_calls : number or None
        Until the gap fell to `SHARE` of its start; None if it never did.
    errors : tuple of array, or None
        ‖w − w*‖ before each step and after it, and whether the linear-quadratic bound covers the step; None beyond
        `SMALL` parameters.
    """

    method: str
    choice: Choice
    trace: Trace
    final_gap: float
    held_out_error: float
    steps: int | None
    seconds: float | None
    oracle_calls: int | None
    errors: tuple[np.ndarray[Any, Any], ...] | None


@dataclass(frozen=True)
class Tour:
    """What the tour saw.

    Parameters
    ----------
    dataset : Dataset
    backend : Backend
    verification : Report
        Of every matrix and optimizer on that backend.
    entries : tuple of Entry
        One a method, in the order asked for.
    optimal_loss : float
        The loss at the optimum, from SciPy and Newton steps.
    optimum_error : float
        The held-out error at the optimum: what any method that converges ends at.
    steps, batch_size, seed : int or None
        The budget of every run, trials included.
    """

    dataset: Dataset
    backend: Backend
    verification: Report
    entries: tuple[Entry, ...]
    optimal_loss: float
    optimum_error: float
    steps: int
    batch_size: int | None
    seed: int


def take_tour(
    data: Dataset,
    *,
    backend: Backend,
    methods: Sequence[str] = METHODS,
    steps: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    quick: bool = False,
    progress: Callable[[int, int, str], Any] | None = None,
) -> Tour:
    """Verify on a backend, then train every method on a data set with the step size that suits it.

    Parameters
    ----------
    data : Dataset
        From `datasets.load`, on the backend.
    backend : Backend
    methods : sequence of str
        Names in the registry.
    steps : int, optional
        The budget of every run; 200 for up to `SMALL` parameters, 24 beyond, and a quarter of that if `quick`.
    batch_size : int, optional
        All examples in every step if not given.
    seed : int
        What the verification's cases and the batches are drawn from.
    quick : bool
        Fewer cases in the verification, fewer steps, and a grid of step sizes half as fine.
    progress : callable
        Called with what is done, what there is to do, and what is being done.

    Returns
    -------
    Tour

    Raises
    ------
    ValueError
        If a batch is larger than the training data, or a method diverges with every step size.

    Examples
    --------
    >>> from sofim_ref.arrays import open_backend
    >>> from sofim_ref.datasets import load
    >>> seen = take_tour(load("iris"), backend=open_backend("numpy"), methods=["newton"], quick=True)
    >>> seen.entries[0].trace.status.name, seen.verification.passed
    ('CONVERGED', True)
    """
    problem = data.train
    if steps is None:
        steps = (200 if problem.dim <= SMALL else 24) // (4 if quick else 1)
    grid = GRID[::2] if quick else GRID
    tell = _counter(progress, 1 + len(methods) * (len(grid) + 1))
    tell("verifying")
    verification = verify([backend.name], quick=quick, seed=seed)
    optimum = problem.optimum()
    optimal_loss = float(problem.oracle(optimum).value())
    start = problem.oracle(problem.initial_point(seed))
    tolerance = 1e-10 * float(norm(start.gradient()))

    entries = []
    for name in methods:
        method = REGISTRY[name]
        settings: dict[str, Any] = {"steps": steps, "batch_size": batch_size, "seed": seed, "tolerance": tolerance}
        before_each = partial(tell, f"trying step sizes for {method.title}")
        choice = choose_lr(problem, method, optimal_loss=optimal_loss, grid=grid, before_each=before_each, **settings)
        tell(f"training {method.title}")
        optimizer = method.build(steps=steps, lr=choice.lr)
        trace = minimize(problem, optimizer, record_every=1, store_points=problem.dim <= SMALL, **settings)
        errors = None if trace.points is None or len(trace) < 2 else _errors(problem, optimizer, trace, optimum)
        held_out = float(data.test.error(trace.w))
        entries.append(_entry(name, choice, trace, optimal_loss=optimal_loss, held_out_error=held_out, errors=errors))
    tell("done")
    return Tour(
        data,
        backend,
        verification,
        tuple(entries),
        optimal_loss,
        float(data.test.error(optimum)),
        steps,
        batch_size,
        seed,
    )


def _counter(progress: Callable[[int, int, str], Any] | None, total: int) -> Callable[[str], None]:
    """Return a function that says what is begun, and counts what has been done before it."""
    done = itertools.count()
    return lambda text: progress and progress(next(done), total, text)


def _errors(problem: Problem, optimizer: Optimizer[Any], trace: Trace, optimum: Array) -> tuple[Any, ...]:
    """Return ‖w − w*‖ before and after each step, and whether the bound covers it."""
    distances = np.asarray([float(norm(w - optimum)) for w in trace.points or ()])
    covered = np.asarray([not step.reason for step in replay(problem, optimizer, trace)])
    return distances[:-1], distances[1:], covered


def _entry(
    name: str,
    choice: Choice,
    trace: Trace,
    *,
    optimal_loss: float,
    held_out_error: float,
    errors: tuple[Any, ...] | None,
) -> Entry:
    gaps = gap(trace, optimal_loss)
    there = np.flatnonzero(gaps <= SHARE * gaps[0])
    first = trace.records[there[0]] if there.size else None
    return Entry(
        method=name,
        choice=choice,
        trace=trace,
        final_gap=float(gaps[-1]),
        held_out_error=held_out_error,
        steps=first.step if first else None,
        seconds=first.seconds if first else None,
        oracle_calls=first.oracle_calls if first else None,
        errors=errors,
    )
