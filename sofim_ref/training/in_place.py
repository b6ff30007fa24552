"""Steps in a run's own memory: nothing that the trace keeps or that the caller has seen is overwritten."""

from __future__ import annotations

import dataclasses
from typing import Any, Generic, TypeVar

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.problems import Function, Oracle, Problem

S = TypeVar("S", bound=State)


def pays(optimizer: Optimizer[Any], w: Array) -> bool:
    """Return whether a run on NumPy's arrays takes its steps in place: the method has a kernel, and w is long."""
    by_kernel = optimizer.has_kernel and type(optimizer).step is Optimizer.step
    return by_kernel and type(w) is np.ndarray and w.shape[0] >= optimizer.pays_from


def keeps_points(problem: Problem) -> bool:
    """Return whether code from outside this library sees w and so may keep it: a function, a problem, a model."""
    seen_by = (problem, getattr(problem, "model", problem))
    return isinstance(problem, Function) or not all(type(x).__module__.startswith("sofim_ref.") for x in seen_by)


class InPlace(Generic[S]):
    """A method's steps in the memory of w and the state; or, if these are kept, in that of a point nobody keeps.

    A copy is stepped from too where the gradient shares memory with w. Either way the kernel takes the step, so that
    its bits don't depend on which points are on record.

    Parameters
    ----------
    optimizer : Optimizer
    shown : bool
        Whether somebody outside of the loop gets to see points on record, so that their memory is never used again.
    new_points : bool
        Whether every w is a new array, for a problem that may keep it; the state's arrays are overwritten all the same.
    """

    def __init__(self, optimizer: Optimizer[S], *, shown: bool, new_points: bool) -> None:
        self.optimizer, self.shown, self.new_points = optimizer, shown, new_points
        self.own: dict[str, list[Array]] = {}

    def __call__(
        self, w: Array, state: S, oracle: Oracle, *, keep: bool, last_seen: tuple[Array, State]
    ) -> tuple[Array, S]:
        """Return the next point and the next state; what is `last_seen` stays as it is, and w if it is to be kept."""
        aliases = not self.optimizer.asks_elsewhere and np.may_share_memory(oracle.gradient(), w)
        if keep or aliases:
            moments, seen = (self.optimizer.overwritten(x) for x in (state, last_seen[1]))
            state = dataclasses.replace(
                state, **{name: self._copied(name, x, seen[name]) for name, x in moments.items()}
            )
        if self.new_points:
            w = w.copy()
        elif keep or aliases:
            w = self._copied("", w, last_seen[0])
        return self.optimizer.step(w, state, oracle, inplace=True)

    def _copied(self, name: str, x: Array, last_seen: Array) -> Array:
        """Return a copy of x, in memory of the run's own that is neither its nor that of what is last seen."""
        free = (own for own in self.own.get(name, ()) if own is not x and own is not last_seen)
        if (to := next(free, None)) is None:
            to = np.empty_like(x)
            if not self.shown:
                self.own.setdefault(name, []).append(to)
        to[...] = x
        return to
