"""The tour: verify all matrices and methods, then train methods on a real data set and compare them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, Backend
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import an_instance, flag
from sofim_ref.convergence import replay
from sofim_ref.datasets import Dataset
from sofim_ref.optimizers import REGISTRY, Method, Optimizer
from sofim_ref.studies.methods import check_methods
from sofim_ref.studies.reference_point import reference_point
from sofim_ref.training import Trace
from sofim_ref.training.budget import Budget
from sofim_ref.training.minimize import minimize
from sofim_ref.training.record import Record
from sofim_ref.training.tuning import GRID, Choice, choose_lr, gap
from sofim_ref.verify import Report, verify

METHODS = tuple(
    REGISTRY[name]
    for name in ("sofim", "sofim-gradient", "heavy-ball", "natural-gradient", "empirical-natural-gradient", "newton")
)
"""The methods that the tour compares unless others are given."""

SMALL = 100
"""Up to how many parameters a run has 200 steps, and its steps are compared with the theory of convergence."""

SHARE = 0.01
"""The share of the initial gap to which steps and seconds are counted."""

L2 = 1e-3
"""The weight of l2/2 ‖w‖² in the losses of the command-line tour."""


@dataclass(frozen=True)
class Entry:
    """What the tour found of one method.

    Parameters
    ----------
    optimizer : Optimizer or None
        With the settings of the run; None if there was no run.
    choice : Choice or None
        The step size and how it was found; None if none was searched.
    trace : Trace or None
        The run; None if the method failed before.
    final_gap, held_out_error : float
        The loss above the optimum at the end, and the last point's error on the held-out rows; ∞ if the method failed.
    reached : Record or None
        The first with a gap of at most `SHARE` of that at the start; None if there is none.
    errors : tuple of array, or None
        ‖w − w*‖ before each step and after it, and whether the linear-quadratic bound applies to it; None beyond
        `SMALL` parameters.
    failure : str
        Why the method failed; empty if it didn't.
    """

    method: Method
    optimizer: Optimizer[Any] | None = None
    choice: Choice | None = None
    trace: Trace | None = None
    final_gap: float = math.inf
    held_out_error: float = math.inf
    reached: Record | None = None
    errors: tuple[np.ndarray[Any, Any], ...] | None = None
    failure: str = ""


@dataclass(frozen=True)
class Tour:
    """What `take_tour` found.

    Parameters
    ----------
    verification : Report
        Of every matrix and method on that backend.
    entries : tuple of Entry
        One a method, in the order given.
    reference : str
        What gaps are measured from: ``"optimum"``, where every method that converges ends, or ``"local minimum"``, near
        the initial point, for a loss without a known optimum.
    optimal_loss, optimum_error : float
        The loss and the held-out error there; the loss is the lowest of any run if that lies below a local minimum's.
    steps, batch_size, seed : int or None
        The budget of every run, trials included.
    """

    dataset: Dataset
    backend: Backend
    verification: Report
    entries: tuple[Entry, ...]
    reference: str
    optimal_loss: float
    optimum_error: float
    steps: int
    batch_size: int | None
    seed: int


def take_tour(
    dataset: Dataset,
    methods: Sequence[Method] = METHODS,
    *,
    backend: Backend,
    steps: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    quick: bool = False,
    progress: Callable[[int, int, str], Any] | None = None,
) -> Tour:
    """Verify on a backend, then train every method on a data set with the step size that suits it.

    Parameters
    ----------
    dataset : Dataset
        On the backend.
    methods : sequence of Method
        One without ``lr`` in its search space, as `Method.of` makes it, keeps its own step size.
    backend : Backend
    steps : int, optional
        The budget of every run; 200 for up to `SMALL` parameters, 24 beyond, and a quarter of that if `quick`.
    batch_size : int, optional
        All examples in every step if not given.
    seed : int
        What the verification's cases, the batches and a method's own random numbers are drawn from.
    quick : bool
        Whether to verify fewer cases, take fewer steps, and search a grid of step sizes half as fine.
    progress : callable, optional
        Called with what is done, what there is to do, and what is being done.

    Returns
    -------
    Tour
        A method that fails, with every step size or in its run, has an entry that says why.

    Raises
    ------
    TypeError, ValueError
        If `backend` is no `Backend`, a method is none, doesn't fit the problem or occurs twice, the batch is larger
        than the training data, or the problem knows neither an optimum nor a local minimum.

    Examples
    --------
    >>> from sofim_ref.arrays import open_backend
    >>> from sofim_ref.datasets import load
    >>> from sofim_ref.optimizers import SGD, Newton
    >>> methods = [Method.of(Newton()), Method.of(SGD(lr=0.5), label="SGD, η = 0.5")]
    >>> tour = take_tour(load("iris"), methods, backend=open_backend("numpy"), quick=True)
    >>> [entry.trace.status.name for entry in tour.entries], tour.verification.passed
    (['CONVERGED', 'BUDGET_SPENT'], True)
    """
    if not isinstance(backend, Backend):
        msg = f"backend must be a Backend, as arrays.open_backend('numpy') returns it, got {backend!r}."
        raise TypeError(msg)
    an_instance("dataset", dataset, Dataset, "datasets.load('iris') is one")
    flag("quick", quick)
    problem = dataset.train
    if steps is None:
        steps = (200 if problem.dim <= SMALL else 24) // (4 if quick else 1)
    Budget(problem, steps, None, batch_size, 1)
    check_methods(methods, problem, steps=steps)
    grid = GRID[::2] if quick else GRID
    tries = [len(grid) if "lr" in method.space else 1 for method in methods]
    total = 2 + sum(tries)

    tell = progress or (lambda *_: None)

    def announce(done: Iterator[int], text: str) -> None:
        tell(next(done), total, text)

    tell(0, total, "looking for the optimum")
    optimum, reference = reference_point(problem)
    optimal_loss = float(problem.value(optimum))
    tell(1, total, "verifying")
    verification = verify(
        [backend.name], methods=list(dict.fromkeys([*REGISTRY.values(), *methods])), quick=quick, seed=seed
    )
    tolerance = 1e-10 * float(norm(problem.oracle(problem.initial_point(seed)).gradient()))
    budget: dict[str, Any] = {"steps": steps, "batch_size": batch_size, "seed": seed, "tolerance": tolerance}
    budget |= {"store_points": problem.dim <= SMALL, "diagnostics": True}
    entries = []
    for begin, method in zip(itertools.accumulate([2, *tries]), methods, strict=False):
        done = itertools.count(begin)
        choice = None
        try:
            if "lr" in method.space:
                trying = partial(announce, done, f"trying step sizes for {method.title}")
                choice = choose_lr(problem, method, optimal_loss=optimal_loss, grid=grid, before_each=trying, **budget)
            optimizer = method.build(steps=steps, seed=seed, **({} if choice is None else {"lr": choice.lr}))
            trace = None if choice is None else choice.trace
            if trace is None:
                announce(done, f"training {method.title}")
                trace = minimize(problem, optimizer, record_every=1, **budget, on_interrupt="raise")
            entries.append(Entry(method, optimizer, choice, trace))
        except Exception as error:  # noqa: BLE001  # whatever a method raises is a finding about it, and doesn't end the tour
            entries.append(Entry(method, choice=choice, failure=str(error) or type(error).__name__))
    tell(total, total, "done")
    if reference != "optimum":
        optimal_loss = min([optimal_loss, *(record.loss for e in entries if e.trace for record in e.trace.records)])
    known = optimum if reference == "optimum" else None
    measured = tuple(_measured(entry, dataset, known, optimal_loss) for entry in entries)
    optimum_error = float(dataset.test.error(optimum))
    budgeted = steps, batch_size, seed
    return Tour(dataset, backend, verification, measured, reference, optimal_loss, optimum_error, *budgeted)


def _measured(entry: Entry, dataset: Dataset, optimum: Array | None, optimal_loss: float) -> Entry:
    """Return an entry with what its run came to; distances only from an optimum that is known."""
    trace = entry.trace
    if trace is None:
        return entry
    if trace.status.failed:
        return replace(entry, failure=trace.message)
    try:
        return _with_gaps(entry, trace, dataset, optimum, optimal_loss)
    except Exception as error:  # noqa: BLE001  # the method is asked again where its run was
        return replace(entry, failure=str(error) or type(error).__name__)


def _with_gaps(entry: Entry, trace: Trace, dataset: Dataset, optimum: Array | None, optimal_loss: float) -> Entry:
    gaps = gap(trace, optimal_loss)
    there = np.flatnonzero(gaps <= SHARE * gaps[0])
    reached = trace.records[there[0]] if there.size else None
    errors = None
    if optimum is not None and entry.optimizer is not None and trace.points is not None and len(trace.points) > 1:
        distances = np.asarray([float(norm(w - optimum)) for w in trace.points])
        covered = [not step.reason for step in replay(dataset.train, entry.optimizer, trace)]
        errors = distances[:-1], distances[1:], np.asarray(covered)
    held_out_error = float(dataset.test.error(trace.w))
    return replace(entry, final_gap=float(gaps[-1]), held_out_error=held_out_error, reached=reached, errors=errors)
