"""Steps in a run's own memory: nothing that the trace keeps or that the caller has seen is overwritten."""

from __future__ import annotations

import dataclasses
from typing import Any, Generic, TypeVar

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.problems import Oracle

S = TypeVar("S", bound=State)


def pays(optimizer: Optimizer[Any], w: Array) -> bool:
    """Return whether a run on NumPy's arrays takes its steps in place: the method has a kernel, and w is long."""
    by_kernel = optimizer.has_kernel and type(optimizer).step is Optimizer.step
    return by_kernel and type(w) is np.ndarray and w.shape[0] >= optimizer.pays_from


class InPlace(Generic[S]):
    """A method's steps in the memory of w and the state; or, if these are kept, in that of a point nobody keeps.

    A copy is stepped from too where the gradient shares memory with w, as that of a function may that returns its
    argument. Either way the kernel takes the step, so that its bits don't depend on which points are on record.

    Parameters
    ----------
    optimizer : Optimizer
    shown : bool
        Whether somebody outside of the loop gets to see points on record, so that their memory is never used again.
    """

    def __init__(self, optimizer: Optimizer[S], *, shown: bool) -> None:
        self.optimizer, self.shown = optimizer, shown
        self.own: list[tuple[Array, dict[str, Array]]] = []

    def __call__(self, w: Array, state: S, oracle: Oracle, *, keep: bool, last_seen: Array) -> tuple[Array, S]:
        """Return the next point and the next state; what is `last_seen` stays as it is, and w if it is to be kept."""
        aliases = not self.optimizer.asks_elsewhere and np.may_share_memory(oracle.gradient(), w)
        if keep or aliases:
            w, state = self._copied(w, state, last_seen)
        return self.optimizer.step(w, state, oracle, inplace=True)

    def _copied(self, w: Array, state: S, last_seen: Array) -> tuple[Array, S]:
        moments = self.optimizer.overwritten(state)
        free = (own for own in self.own if own[0] is not w and own[0] is not last_seen)
        if (own := next(free, None)) is None:
            own = np.empty_like(w), {name: np.empty_like(x) for name, x in moments.items()}
            if not self.shown:
                self.own.append(own)
        to, places = own
        to[...] = w
        for name, x in moments.items():
            places[name][...] = x
        return to, dataclasses.replace(state, **places)
