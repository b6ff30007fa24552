"""Whether a run has diverged, from the losses at its ends, and whether the gradient that it went along is wrong."""

from __future__ import annotations

import math

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.sums import norm
from sofim_ref.problems.difference_quotient import NOISE_POINTS, noise, slope, where_defined
from sofim_ref.problems.problem import Problem

FAR = 10.0
"""By how many times the loss's own scale a run ends above its start that has diverged."""

_TIMES = 10.0


def loss_scale(problem: Problem, w: Array) -> float:
    """Return |f(w)| + ‖∇f(w)‖ ‖w‖, in the loss's unit; 0 where a loss of the user's isn't defined there."""
    try:
        at = problem.oracle(w)
        scale = abs(float(detached(at.value()))) + float(detached(norm(at.gradient()))) * float(norm(at.w))
    except (ArithmeticError, ValueError):
        return 0.0
    return scale if math.isfinite(scale) else 0.0


def far_above(first: float, last: float, scale: float) -> str:
    """Return, as a clause, that a loss ended above its start by more than `FAR` times its scale, or "" if it didn't."""
    scale = max(abs(first), scale)
    if not last - first > FAR * scale:
        return ""
    return (
        f"the loss rose from {first:.6g} at the start to {last:.6g} at the end, by more than {FAR:g} times its own "
        f"scale, {scale:.6g}"
    )


def misleads(problem: Problem, w: Array) -> bool:
    """Return whether the loss falls along −g at less than half the rate ‖g‖, beyond what differences leave open."""
    g = detached(problem.gradient(w))
    length = float(norm(g))
    if not 0 < length < math.inf:
        return False
    xp = namespace(w)
    down, size, unit = -g / length, max(1.0, float(norm(w))), eps(xp, w.dtype)

    def loss(h: float) -> float:
        return float(detached(problem.value(w + h * down)))

    def rate(h: float) -> float:
        return float(detached(xp.sum(problem.gradient(w + h * down) * down)))

    rounding, rounding_of_rate = (
        noise([where_defined(f)(k * unit**0.5 * size) for k in range(NOISE_POINTS)]) for f in (loss, rate)
    )
    found = slope(loss, size, claimed=-length, rounding=rounding, eps=unit)
    return found.value + length / 2 > _TIMES * (found.error + 3 * rounding_of_rate)
