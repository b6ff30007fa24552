"""How a run that has ended is told: whether it went far above its start, and whether its gradient is to blame."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.sums import norm
from sofim_ref.problems import Problem
from sofim_ref.problems.difference_quotient import NOISE_POINTS, noise, slope, where_defined
from sofim_ref.training.record import Record, Status

FAR = 1e3
"""By how many times the loss's own scale a run ends above its start that has diverged."""

_TIMES = 10.0


def outcome(problem: Problem, status: Status, records: Sequence[Record], start: Array, seed: int) -> Status:
    r"""Return the status of a run that no callback, tolerance or keyboard ended.

    A run that diverged, or ended above its start, is looked at once more. If the loss rises along the start's −g, by
    more than ten times the estimated error of a central difference, it is WRONG_GRADIENT. If not, it is DIVERGED where

    .. math:: f_{\text{end}} - f_0 > 1000 \max\big(|f_0|,\; |f(\tilde w)| + \|\nabla f(\tilde w)\| \|\tilde w\|\big) ,

    with w̃ the problem's own initial point for the seed.

    Parameters
    ----------
    problem : Problem
    status : Status
        Why the steps ended.
    records : sequence of Record
        The run's.
    start : array, shape (d,)
        The point of the first record.
    seed : int
        The run's.

    Returns
    -------
    Status

    Notes
    -----
    The scale is that of the loss where the problem itself would start: it carries the loss's unit, so the criterion
    doesn't depend on it; its second term keeps it from vanishing where a loss that can be negative happens to be near
    zero. A run that begins near a minimum, with a loss of 1e-20 say, may end at its noise floor and hasn't diverged.
    Cost nothing for a run that ends below its start; else some twenty losses.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.eye(2), np.zeros(2))
    >>> sr.minimize(bowl, sr.SGD(lr=3.0), steps=9).status.name
    'DIVERGED'
    """
    first, last = records[0], records[-1]
    if status is not Status.DIVERGED and not last.loss > first.loss:
        return status
    if _climbs(problem, start):
        return Status.WRONG_GRADIENT
    return Status.DIVERGED if status is Status.BUDGET_SPENT and _is_far(problem, first, last, start, seed) else status


def _is_far(problem: Problem, first: Record, last: Record, start: Array, seed: int) -> bool:
    rise = (last.loss - first.loss) / FAR
    if not rise > abs(first.loss):  # the cheap half of the criterion
        return False
    try:
        at = problem.oracle(from_numpy(to_numpy(problem.initial_point(seed)), like=start))
        scale = abs(float(detached(at.value()))) + float(detached(norm(at.gradient()))) * float(norm(at.w))
    except (ArithmeticError, ValueError):  # a loss of the user's that isn't defined there
        return True
    return rise > scale or not math.isfinite(scale)


def _climbs(problem: Problem, start: Array) -> bool:
    """Return whether the loss rises along −g from the start, beyond the error of its central difference."""
    g = detached(problem.gradient(start))
    length = float(norm(g))
    if not 0 < length < math.inf:
        return False
    down, scale, unit = -g / length, max(1.0, float(norm(start))), eps(namespace(start), start.dtype)

    def loss(h: float) -> float:
        return float(detached(problem.value(start + h * down)))

    rounding = noise([where_defined(loss)(k * unit**0.5 * scale) for k in range(NOISE_POINTS)])
    found = slope(loss, scale, rounding=rounding, eps=unit)
    return found.value > _TIMES * found.error
