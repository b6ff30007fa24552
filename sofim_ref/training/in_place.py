"""Steps in a run's own memory: nothing that the trace keeps or that the caller has seen is overwritten."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.problems import Oracle

S = TypeVar("S", bound=State)

LONG = 100_000
"""The number of parameters from which on a step in place takes less time than a plain one, its checks included."""


def pays(optimizer: Optimizer[Any], w: Array) -> bool:
    """Return whether a run on NumPy's arrays takes its steps in place: the method has a kernel, and w is long."""
    by_kernel = optimizer.has_kernel and type(optimizer).step is Optimizer.step
    return by_kernel and type(w) is np.ndarray and w.shape[0] >= LONG


def step_in_place(optimizer: Optimizer[S], w: Array, state: S, oracle: Oracle, *, keep: bool) -> tuple[Array, S]:
    """Return the next point and the next state, in the memory of w and `state`; or in copies of it, if these are kept.

    Copies are taken too where the gradient shares memory with w, as that of a function may that returns its argument.
    Either way the kernel takes the step, so that its bits don't depend on which points are on record.
    """
    if keep or np.may_share_memory(oracle.gradient(), w):
        w, state = w.copy(), _copied(state)
    return optimizer.step(w, state, oracle, inplace=True)


def _copied(state: S) -> S:
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    arrays: dict[str, Any] = {name: x.copy() for name, x in fields.items() if type(x) is np.ndarray}
    return dataclasses.replace(state, **arrays)
