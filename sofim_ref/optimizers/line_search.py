"""The backtracking line search: a step is halved until the loss falls enough."""

from __future__ import annotations

from typing import Any

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.control_flow import choose, number, repeat
from sofim_ref.problems.oracle import Oracle

_SUFFICIENT = 1e-4
_HALVINGS = 40


def backtracked(oracle: Oracle, direction: Array, lr: float) -> float:
    """Return η, halved from `lr` on until f(w − ηp) ≤ f(w) − 10⁻⁴ η gᵀp, up to rounding, at most 40 times.

    Each trial compares losses on the host, inside ``jax.jit`` on the device. Source: Armijo 1966; Nocedal & Wright
    2006, Numerical Optimization, §3.1.
    """
    here, slope = number(oracle.value()), number(oracle.gradient() @ direction)
    slope = choose(slope > 0, slope, 0.0)  # where p points uphill, only an ascent is refused
    rounding = rounding_of(here, direction)

    def trial(lr: float) -> tuple[Any, float]:
        there = number(oracle.at(oracle.w - lr * direction).value())
        enough = there <= here - _SUFFICIENT * lr * slope + rounding
        return choose(enough, False, True), choose(enough, lr, lr / 2)

    return repeat(trial, lr, _HALVINGS)


def rounding_of(loss: Any, like: Array) -> Any:
    """Return by how much a loss may rise by rounding alone, in the dtype of an array."""
    return 10 * eps(namespace(like), like.dtype) * abs(loss)


def is_lower(loss: Array, before: Oracle) -> bool:
    """Return whether a loss is below that of a point before it, up to rounding: whether a line search succeeded."""
    here = number(before.value())
    return bool(number(loss) <= here + rounding_of(here, before.w))
