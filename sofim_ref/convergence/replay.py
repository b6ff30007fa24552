"""The steps of a run computed again, on its batches: each step's C, v and η, and whether the run followed them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, namespace, to_numpy
from sofim_ref.arrays.row_numbers import row_numbers
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import an_instance, shown
from sofim_ref.convergence.declared_moment import DeclaredMoment
from sofim_ref.matrices import Matrix, SingularMatrixError
from sofim_ref.optimizers import Averaging, Optimizer
from sofim_ref.problems import Oracle, Problem
from sofim_ref.problems.point import check_point
from sofim_ref.training.trace import Trace

SINGULAR = "C is singular in the arithmetic at hand"
UNDECLARED = "v is neither the gradient nor the moment that the method declares"
ELSEWHERE = "the next point is not where the step leads: other minibatches, or another method"


@dataclass(frozen=True, eq=False)
class ReplayedStep:
    r"""A step of a run, computed again: :math:`w - \eta\,(C^{-1} v + \kappa w)`.

    Parameters
    ----------
    oracle : Oracle
        At the point where the step begins, on the step's batch; ``oracle.w`` is that point.
    matrix : Matrix
        C.
    vector, direction : array, shape (d,)
        v, and C⁻¹v; of a C that is known by its products alone, what its solve gives.
    rate : float
        The step size η that was taken: after a line search; 0 where the method refused the step and stayed.
    decay : float
        The decoupled weight decay κ.
    averaging : Averaging
        How v is made of the gradients, as the method declares it.
    following : array, shape (d,)
        The next point of the run.
    reason : str
        Why the step is not the one above, or not known to be it; empty if it is.
    """

    oracle: Oracle
    matrix: Matrix
    vector: Array
    direction: Array
    rate: float
    decay: float
    averaging: Averaging
    following: Array
    reason: str


def replay(
    problem: Problem,
    optimizer: Optimizer[Any],
    points: Trace | Sequence[Array],
    *,
    batches: Sequence[Array] | None = None,
) -> Iterator[ReplayedStep]:
    """Yield the steps of a run with the C, v and η that the optimizer chose in each.

    Parameters
    ----------
    problem : Problem
    optimizer : Optimizer
        The one that ran, with its hyper-parameters. It starts with a fresh state at the first point.
    points : Trace or sequence of array, shape (d,)
        A trace with the point of every step from the first on, or the points.
    batches : sequence of integer array, optional
        The row numbers of the examples of each step; those of the trace if not given. Without any, each step is on all
        examples.

    Yields
    ------
    ReplayedStep

    Raises
    ------
    TypeError, ValueError
        If a trace has no points, or not those of every step; if `batches` aren't one a step, of row numbers; if the
        problem doesn't offer what the method needs, or its `averaging` returns anything but an `Averaging`.
    UnreplayedStepError
        A ValueError, if the method refuses a step.

    Notes
    -----
    A step gets its reason where

    - C is singular in its arithmetic; the direction is NaN then;
    - v is not what `Optimizer.averaging` says: the moment is kept here in float64, from the gradients, and v differs
      from it by more than the method's arithmetic explains. A method of your own whose v is a moment says so there;
    - the run's next point isn't where the step leads, by more than the square root of the dtype's eps.

    Cost: each step is computed once more.
    """
    an_instance("problem", problem, Problem, "sofim_ref.problems has some")
    an_instance("optimizer", optimizer, Optimizer, "sofim_ref.SGD() is one")
    run = stored_points(points, problem)
    rows = stored_batches(batches, points, problem)
    state = optimizer.init(run[0])
    optimizer.check_problem(problem)
    moment = DeclaredMoment(np.zeros(problem.dim))
    for (w, following), batch in zip(itertools.pairwise(run), rows, strict=True):
        oracle = problem.oracle(w, batch)
        try:
            step, state, moment = _replayed(optimizer, state, moment, oracle, following)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            msg = f"the method can't take this step: {error}"
            raise UnreplayedStepError(msg) from error
        yield step


class UnreplayedStepError(ValueError):
    """A method refuses a step that it is to take again, because numbers overflow, say; later ones need its state."""


def _replayed(
    optimizer: Optimizer[Any], state: Any, moment: DeclaredMoment, oracle: Oracle, following: Array
) -> tuple[ReplayedStep, Any, DeclaredMoment]:
    """Return the step from an oracle's point, and the state and the moment after it."""
    state, choice = optimizer.precondition(state, oracle)
    averaging = _declared(optimizer, state.step)
    w, C, v, decay = oracle.w, choice.matrix, choice.vector, optimizer.weight_decay
    g = to_numpy(oracle.gradient())
    moment = moment.after(averaging, g)
    declared = moment.gives(to_numpy(v), averaging, g)
    try:
        direction = C.solve(v)
    except SingularMatrixError:
        state = optimizer.accept(state, oracle, choice, following)[1]
        rate, reason = optimizer.rate_at(state.step - 1), SINGULAR
        return ReplayedStep(oracle, C, v, np.nan * v, rate, decay, averaging, following, reason), state, moment
    whole = direction + decay * w
    rate = optimizer.step_size(state, oracle, whole)
    end = w - rate * whole
    accepted, state = optimizer.accept(state, oracle, choice, end)
    if accepted is not end and bool(namespace(w).all(accepted == w)):
        rate, end = 0.0, w
    reason = "" if declared else UNDECLARED
    if not reason and differ(following, end, scale=following - w):
        reason = ELSEWHERE
    return ReplayedStep(oracle, C, v, direction, rate, decay, averaging, following, reason), state, moment


def _declared(optimizer: Optimizer[Any], t: int) -> Averaging:
    """Return what the method says that the v of step t is, refusing anything but an `Averaging`."""
    found: Averaging = optimizer.averaging(t)
    remedy = "sofim_ref.optimizers.Averaging.mean(beta, t) is one"
    an_instance(f"what {type(optimizer).__name__}.averaging({t}) returns", found, Averaging, remedy)
    return found


def stored_points(points: Trace | Sequence[Array], problem: Problem) -> Sequence[Array]:
    """Return the points of a run, refusing a trace that doesn't have them all, and points that aren't the problem's."""
    if not isinstance(points, Trace):
        if not hasattr(points, "__len__"):
            msg = f"points must be a Trace or a sequence of points, got {shown(points)}."
            raise TypeError(msg)
        if len(points) < 2:
            msg = f"points must be at least two, got {len(points)}."
            raise ValueError(msg)
        for k, w in enumerate(points):
            check_point(f"points[{k}]", w, problem)
        return points
    if points.points is None:
        msg = "the trace must hold its points: run minimize with store_points=True."
        raise ValueError(msg)
    if points["step"].tolist() != list(range(len(points))):
        msg = "the trace must hold every step from the first on: run minimize with record_every=1, and no state."
        raise ValueError(msg)
    return points.points


def stored_batches(
    batches: Sequence[Array] | None, points: Trace | Sequence[Array], problem: Problem
) -> Sequence[Array | None]:
    """Return the batch of each step of a run, those of its trace if none are given; None for a step on all examples."""
    steps = len(points) - 1
    batches = points.batches if batches is None and isinstance(points, Trace) else batches
    if batches is None:
        return [None] * steps
    if not hasattr(batches, "__len__"):
        msg = f"batches must be a sequence of arrays of row numbers, as Trace.batches is, got {shown(batches)}."
        raise TypeError(msg)
    if len(batches) != steps:
        msg = f"batches must have one array of row numbers a step, {steps} for {steps + 1} points, got {len(batches)}."
        raise ValueError(msg)
    for k, rows in enumerate(batches):
        row_numbers(f"batches[{k}]", rows, like=rows if problem.like is None else problem.like)
        found = to_numpy(rows)
        beyond = found[(found < 0) | (found >= problem.size)]
        if beyond.size:
            msg = f"batches[{k}] must have row numbers from 0 to {problem.size - 1}, got {beyond[0]}."
            raise ValueError(msg)
    return batches


def differ(x: Array, y: Array, *, scale: Array) -> bool:
    """Return whether x and y differ by more than rounding and √eps times the length of `scale`."""
    unit = eps(namespace(x), x.dtype)
    return bool(float(norm(x - y)) > 8 * unit * float(norm(y)) + unit**0.5 * float(norm(scale)))
