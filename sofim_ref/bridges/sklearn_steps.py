"""The steps of the scikit-learn estimators: one epoch of them, and whether a state can go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.optimizers.fit import check_fit
from sofim_ref.problems import Problem


def epoch(
    problem: Problem, optimizer: Optimizer[Any], w: Array, state: State, batches: Iterable[Array | None]
) -> tuple[Array, State, float]:
    """Take a step on each of the batches, and return w, the state, and the mean of the losses, each before its step."""
    total, examples = 0.0, 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the loss says it
        for rows in batches:
            oracle = problem.oracle(w, rows)
            total, examples = total + float(oracle.value()) * oracle.size, examples + oracle.size
            w, state = optimizer.step(w, state, oracle)
    return w, state, total / examples


def fits(state: State, fresh: State, optimizer: Optimizer[Any]) -> bool:
    """Return whether an optimizer can go on from a state: whether it is of the kind and shapes of a fresh one."""
    try:
        check_fit(state, fresh, optimizer)
    except (TypeError, ValueError):
        return False
    return True
