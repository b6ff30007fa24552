"""The steps of a run computed again on all examples: each step's C, v and η, and whether the run followed them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import an_instance, shown
from sofim_ref.matrices import Matrix, MatrixFree, SingularMatrixError
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Oracle, Problem
from sofim_ref.problems.point import check_point
from sofim_ref.training.trace import Trace

MOMENTUM = "momentum: v is not the gradient"
DECAY = "weight decay: the step is not η C⁻¹ g alone"
SEARCH = "line search: the step is shorter than lr"
SINGULAR = "C is singular in the arithmetic at hand"
UNSOLVED = "the solve with C stops at a tolerance of its own: the step is not η C⁻¹ g"
ELSEWHERE = "the next point is not where a step on all examples leads: minibatches, or another method"


@dataclass(frozen=True, eq=False)
class ReplayedStep:
    r"""A step of a run, computed again.

    Parameters
    ----------
    oracle : Oracle
        At the point where the step begins, on all examples; ``oracle.w`` is that point.
    matrix : Matrix
        C.
    vector, direction : array, shape (d,)
        v, and C⁻¹v.
    rate : float
        The step size η: `lr`, or what its schedule gives.
    following : array, shape (d,)
        The next point of the run.
    reason : str
        Why the step is not :math:`w - \eta C^{-1} \nabla f(w)`; empty if it is.
    """

    oracle: Oracle
    matrix: Matrix
    vector: Array
    direction: Array
    rate: float
    following: Array
    reason: str


def replay(problem: Problem, optimizer: Optimizer[Any], points: Trace | Sequence[Array]) -> Iterator[ReplayedStep]:
    """Yield the steps of a run with the C, v and η that the optimizer chose in each.

    Parameters
    ----------
    problem : Problem
    optimizer : Optimizer
        The one that ran, with its hyper-parameters. It starts with a fresh state at the first point.
    points : Trace or sequence of array, shape (d,)
        A trace with the point of every step from the first on, or the points.

    Yields
    ------
    ReplayedStep

    Raises
    ------
    TypeError, ValueError
        If a trace has no points, or not those of every step; or the problem doesn't offer what the method needs.
    UnreplayedStepError
        A ValueError, if the method refuses a step.

    Notes
    -----
    Where C is singular in its arithmetic the direction is NaN, and the reason says so.

    Cost: each step is computed once more.
    """
    an_instance("problem", problem, Problem, "sofim_ref.problems has some")
    an_instance("optimizer", optimizer, Optimizer, "sofim_ref.SGD() is one")
    points = stored_points(points, problem)
    state = optimizer.init(points[0])
    optimizer.check_problem(problem)
    for w, following in itertools.pairwise(points):
        oracle = problem.oracle(w)
        try:
            step, state = _replayed(optimizer, state, oracle, following)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            msg = f"the method can't take this step: {error}"
            raise UnreplayedStepError(msg) from error
        yield step


class UnreplayedStepError(ValueError):
    """A method refuses a step that it is to take again, because numbers overflow, say; later ones need its state."""


def _replayed(optimizer: Optimizer[Any], state: Any, oracle: Oracle, following: Array) -> tuple[ReplayedStep, Any]:
    """Return the step from an oracle's point, and the state after it."""
    state, choice = optimizer.precondition(state, oracle)
    matrix, v, rate = choice.matrix, choice.vector, optimizer.rate_at(state.step - 1)
    try:
        direction = matrix.solve(v)
    except SingularMatrixError:
        state = optimizer.accept(state, oracle, choice, following)[1]
        return ReplayedStep(oracle, matrix, v, np.nan * v, rate, following, SINGULAR), state
    taken = optimizer.step_size(state, oracle, direction)
    end = oracle.w - taken * (direction + optimizer.weight_decay * oracle.w)
    expected, state = optimizer.accept(state, oracle, choice, end)
    reason = ""
    if _differ(v, oracle.gradient(), scale=0.0 * oracle.w):
        reason = MOMENTUM
    elif optimizer.weight_decay:
        reason = DECAY
    elif taken != rate:
        reason = SEARCH
    elif _unsolved(matrix, direction, v):
        reason = UNSOLVED
    elif _differ(following, expected, scale=following - oracle.w):
        reason = ELSEWHERE
    return ReplayedStep(oracle, matrix, v, direction, rate, following, reason), state


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


def _unsolved(C: Matrix, x: Array, v: Array) -> bool:
    """Return whether x is no solution of C x = v, √eps allowed for, because C is solved with by iteration."""
    return isinstance(C, MatrixFree) and _differ(C.matvec(x), v, scale=v)


def _differ(x: Array, y: Array, *, scale: Array) -> bool:
    """Return whether x and y differ by more than rounding and √eps times the length of `scale`."""
    unit = eps(namespace(x), x.dtype)
    return bool(float(norm(x - y)) > 8 * unit * float(norm(y)) + unit**0.5 * float(norm(scale)))
