"""The check of a point at which a problem's loss is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import floating, same_backend

if TYPE_CHECKING:
    from sofim_ref.problems.problem import Problem


def check_point(argument: str, w: Array, problem: Problem) -> None:
    """Refuse anything but a floating array of shape (d,) on the backend and device of the problem's own arrays."""
    floating(argument, w, ndim=1)
    if problem.like is not None:
        same_backend(**{"data": problem.like, argument: w})
    if w.shape[0] != problem.dim:
        msg = f"{argument} must have shape ({problem.dim},), got {tuple(w.shape)}."
        raise ValueError(msg)
