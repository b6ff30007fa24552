"""Whether a loss and its gradient are means over the rows that they are asked about: parts against the whole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.detach import detached
from sofim_ref.problems import Problem
from sofim_ref.problems.difference_quotient import NOISE_POINTS, noise, slope

Host = np.ndarray[Any, Any]

_TIMES = 10.0


def rows_fault(problem: Problem, w: Array, batch: Array | None) -> tuple[bool | None, str]:
    """Return whether value and gradient are means over rows, and a sentence where they aren't or nothing could tell.

    Both are asked on two halves of the rows, whose mean must be what all of them give; along one direction the
    gradient of the first half is compared with differences of that half's loss. The answer is None where neither
    depends on the rows, at two points: examples may be alike.
    """
    rows = np.arange(problem.size) if batch is None else to_numpy(batch)
    if len(rows) < 2:
        return True, ""
    halves = rows[: (len(rows) + 1) // 2], rows[(len(rows) + 1) // 2 :]
    like = w if problem.like is None else problem.like
    part, rest = (from_numpy(half, like=like) for half in halves)
    shares = np.asarray([len(half) for half in halves]) / len(rows)
    unit = eps(namespace(w), w.dtype) * math.sqrt(len(rows))
    host, signs = to_numpy(w).astype(np.float64), np.random.default_rng(1).choice([-1.0, 1.0], w.shape[0])

    def ask(point: Host, on: Array | None) -> Host:
        at = problem.oracle(from_numpy(point, like=w), on)
        answers = detached(at.value()), detached(at.gradient())
        return np.concatenate([np.atleast_1d(to_numpy(x).astype(np.float64)) for x in answers])

    scale = 2.0 ** math.ceil(math.log2(max(1.0, float(np.max(np.abs(host))))))
    near = np.asarray([ask(host + k * unit**0.5 * scale * signs, batch) for k in range(NOISE_POINTS)])
    whole, *parts = (ask(host, on) for on in (batch, part, rest))
    if not np.isfinite([whole, *parts]).all():
        return True, ""  # there is a half without a value: nothing to compare
    largest = np.maximum(np.abs(whole), np.max(np.abs(parts), axis=0))
    largest[1:] = np.max(largest[1:])
    within = _TIMES * (np.asarray([noise(column) for column in near.T.tolist()]) + 16 * unit * largest)
    for what, chosen in (("value", slice(0, 1)), ("gradient", slice(1, None))):
        mean, total = shares @ np.asarray(parts)[:, chosen], np.sum(parts, axis=0)[chosen]
        if (np.abs(whole[chosen] - mean) > within[chosen]).any():
            summed = (np.abs(whole[chosen] - total) <= within[chosen]).all()
            how = (
                "is the sum over the rows: divide by their number" if summed else "isn't the mean of two halves' means"
            )
            return False, f"The {what} of all rows {how}."
    if all((x == whole).all() for x in parts):
        elsewhere = host + 0.37 * scale * signs
        if all((ask(elsewhere, on) == ask(elsewhere, part)).all() for on in (batch, rest)):
            return None, "Neither value nor gradient depends on the rows: they ignore them, or all examples are alike."

    def loss(h: float) -> float:
        return float(ask(host + h * signs, part)[0])

    claimed = float(parts[0][1:] @ signs)
    found = slope(loss, scale, claimed=claimed, rounding=float(within[0]) / _TIMES, eps=eps(namespace(w), w.dtype))
    if abs(found.value - claimed) > _TIMES * found.error + float(np.sum(within[1:])):
        return False, (
            f"On half of the rows the gradient isn't that of their value: along one direction it is {claimed:.6g}, the "
            f"difference {found.value:.6g}."
        )
    return True, ""
