"""The steps of the scikit-learn estimators: one epoch of them, whether a state can go on, and how a fit ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.optimizers.fit import check_fit
from sofim_ref.optimizers.line_search import backtracked
from sofim_ref.problems import Problem
from sofim_ref.problems.divergence import far_above, loss_scale


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


def doubt(estimator: Any, problem: Problem, *, waited: int, is_still: bool, epochs: int) -> str:
    """Return what is to be warned of after the last epoch, or "" if there is nothing.

    The run diverged, by the criterion of `minimize`; or it took all its epochs; or it ended, where `is_still` says that
    neither the batches' noise nor a score on other examples explains it, while a step along −g lowers the loss.
    """
    name, w = type(estimator.optimizer_).__name__, estimator.w_
    first, last = estimator._first_loss, float(problem.value(w))  # noqa: SLF001  # what fit has left for this
    if far_above(first, last, 0.0):  # the criterion's cheap half
        start = problem.initial_point(estimator._seed)  # noqa: SLF001  # the same
        if rise := far_above(first, last, loss_scale(problem, start)):
            return f"{name} diverged: {rise}. Scale the features (StandardScaler), or take a smaller learning rate."
    if waited < estimator.n_iter_no_change:
        missed = f"max_iter={estimator.max_iter} epochs were taken, and the optimization hasn't converged yet."
        return missed if epochs > 1 else ""
    fall = _possible_fall(problem, w) if is_still else 0.0
    if fall <= estimator.tol:
        return ""
    return (
        f"{name} stalled: n_iter_no_change={estimator.n_iter_no_change} epochs didn't lower the loss, {last:.6g}, by "
        f"tol={estimator.tol:g}, and one step along −g lowers it by {fall:.2g}. Take another learning rate, more "
        "damping, or another method."
    )


def _possible_fall(problem: Problem, w: Array) -> float:
    """Return by how much one step along the negative gradient lowers the loss, at a length that a search finds."""
    at = problem.oracle(w)
    g = at.gradient()
    return float(at.value() - problem.value(w - backtracked(at, g, 1.0) * g))
