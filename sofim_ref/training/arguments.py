"""The checks that `minimize` makes of its arguments before any work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.validation import count, finite, flag, non_negative, shown
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.optimizers.fit import check_fit
from sofim_ref.problems import Problem
from sofim_ref.problems.point import check_point
from sofim_ref.training.diagnostics import DIAGNOSTICS
from sofim_ref.training.record import COLUMNS


def check_kinds(problem: Any, optimizer: Any) -> None:
    """Refuse a problem and an optimizer that are none, or that don't go together."""
    for argument, given, kind in (("problem", problem, Problem), ("optimizer", optimizer, Optimizer)):
        if not isinstance(given, kind):
            msg = f"{argument} must be a sofim_ref {kind.__name__}, got {shown(given)}."
            raise TypeError(msg)
    optimizer.check_problem(problem)


def check_settings(  # noqa: PLR0913  # what a run has besides problem, optimizer and budget
    seed: Any, tolerance: Any, metrics: Any, callbacks: Any, flags: Mapping[str, Any], *, checkpoint: Any
) -> None:
    """Refuse settings of a run that are out of their range; `progress`, among the flags, may be a text."""
    count("seed", seed, minimum=0)
    non_negative("tolerance", tolerance)
    for name, value in flags.items():
        if not (name == "progress" and isinstance(value, str)):
            flag(name, value)
    _check_watchers(metrics, callbacks)
    if not (checkpoint is None or callable(checkpoint)):
        msg = f"checkpoint must be a function of the trace, got {shown(checkpoint)}."
        raise TypeError(msg)


def _check_watchers(metrics: Any, callbacks: Any) -> None:
    """Refuse metrics that aren't functions by name, or have a column's name, and callbacks that aren't in a list."""
    if not isinstance(metrics, Mapping) or not all(map(callable, metrics.values())):
        msg = f"metrics must be a mapping from names to functions of w, got {shown(metrics)}."
        raise TypeError(msg)
    for name in metrics:
        if name in (*COLUMNS, *DIAGNOSTICS):
            msg = f"metrics must have names other than every trace's own columns, got {name!r}."
            raise ValueError(msg)
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        remedy = " Pass a single function as callbacks=[f]." if callable(callbacks) else ""
        msg = f"callbacks must be a list of functions, got {shown(callbacks)}.{remedy}"
        raise TypeError(msg)


def measured(metrics: Mapping[str, Callable[[Array], Any]], w: Array) -> dict[str, float]:
    """Return what each metric gives at w, refusing anything but a number."""
    return {name: _number(name, metric(w)) for name, metric in metrics.items()}


def _number(name: str, value: Any) -> float:
    try:
        if not isinstance(value, str) and getattr(value, "shape", ()) == ():
            return float(detached(value))
    except (TypeError, ValueError):
        pass
    msg = f"metrics[{name!r}] must return a number, got {shown(value)}."
    raise TypeError(msg)


def starting_point(problem: Problem, w0: Array | None, state: State | None, seed: int) -> Array:
    """Return the starting point, refusing a `w0` that doesn't go with the problem, and a state without one."""
    if w0 is None and state is not None:
        msg = "w0 must be given with state, which belongs to a point: pass w0=trace.w, state=trace.state."
        raise ValueError(msg)
    if w0 is None:
        return problem.initial_point(seed)
    check_point("w0", w0, problem)
    finite("w0", w0)
    return detached(w0)


def check_state(state: Any, fresh: State, optimizer: Optimizer[Any]) -> None:
    """Refuse a state that isn't of the kind that `init` made, or has arrays that don't go with the starting point."""
    check_fit(state, fresh, optimizer)
    for field in dataclasses.fields(state):
        if hasattr(getattr(fresh, field.name), "shape"):
            finite(f"state.{field.name}", getattr(state, field.name))
