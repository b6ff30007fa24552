"""The number that an optimizer has in the place of another one, found by fitting it to the first steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from sofim_ref.testing.optimizer_alternative import FIRST, Alternative
from sofim_ref.testing.optimizer_cases import OptimizerCase, allowed
from sofim_ref.testing.trajectories import Host

BELOW_ONE = ("beta", "beta1", "beta2", "momentum", "decay", "gamma")
"""The settings that are shares: what is fitted is the logarithm of 1 minus them."""
TURNS = 15
"""How often a number is corrected."""
FAR = (0.0, -6.0, -3.0, -1.0, 1.0, 3.0, 6.0)
"""How far from the right logarithm a number is sought; it is corrected from the best of these."""
FARTHEST = 3.0
"""The largest correction of a logarithm at a time."""
CLOSE = 1e-2
"""The largest change of a number for a difference quotient."""
HALVED = 6
"""How often a correction is halved."""
WORTH = 0.9
"""What a correction must leave of the residual at most: those of a wrong model soon leave more."""
SHOWN = 0.25
"""A change of a number by less than this share of what is allowed doesn't show."""


def fitted(now: Alternative, cases: list[OptimizerCase]) -> Iterator[Alternative]:
    """Yield the method with one of its numbers replaced by the one that fits the optimizer's first steps best."""
    seen = [next((each for each in cases if each.case == "random"), cases[0])]
    most = max(cases, key=lambda each: each.worst if each.finite else 0.0)
    seen += [most] * (most is not seen[0])
    for name, value in now.settings.items():
        if isinstance(value, float) and name != "lr":
            yield from _fitted(now, name, seen)


def _fitted(now: Alternative, name: str, seen: list[OptimizerCase]) -> Iterator[Alternative]:
    """Yield the method with the number that fits, if there is one, with as few decimals as show.

    The Gauss–Newton method for one unknown, from the best of a few starting points, with steps halved until they help.
    """
    value = now.settings[name]
    number, start = _scale(name, value)

    def residual(u: float) -> Host:
        return _residual(now, name, number(u), seen)

    starts = (min(start + far, -CLOSE) if name in BELOW_ONE else start + far for far in FAR) if value else (start,)
    u = min(starts, key=lambda u: _size(residual(u)))
    at = residual(u)
    for _ in range(TURNS):
        close = float(np.clip(_size(at) ** -0.5, 1e-6, CLOSE)) if at.any() else CLOSE  # rounding against curvature
        slope = (residual(u + close) - at) / close
        if not np.isfinite(_size(slope)) or not slope.any():
            return
        step = float(np.clip(-(slope @ at) / (slope @ slope), -FARTHEST, FARTHEST))
        if abs(step) * np.max(np.abs(slope)) <= SHOWN / 8:
            break
        halved = (step / 2**k for k in range(HALVED))
        step = next((x for x in halved if _size(residual(u + x)) < WORTH * _size(at)), 0.0)
        if not step:
            break
        u, at = u + step, residual(u + step)
    if _size(at) <= len(at) ** 0.5:
        decimals = (float(f"{number(u):.{digits}g}") for digits in range(1, 18))
        near = SHOWN / float(np.max(np.abs(slope)))
        shortest = next((x for x in decimals if abs(_inverse(name, value, x) - u) <= near), number(u))
        yield replace(now, settings={**now.settings, name: shortest})


def _size(x: Host) -> float:
    return float(np.linalg.norm(x))


def _scale(name: str, value: float) -> tuple[Callable[[float], float], float]:
    """Return from an unknown without bounds to a setting's value, and the unknown of the value that it should have."""
    if name in BELOW_ONE:
        return lambda u: 1 - float(np.exp(min(u, 0.0))), _inverse(name, value, value)
    if value > 0:
        return lambda u: float(np.exp(u)), _inverse(name, value, value)
    return lambda u: u, value


def _inverse(name: str, value: float, x: float) -> float:
    """Return the unknown of a setting's value; infinite where it has none."""
    if name in BELOW_ONE:
        return float(np.log(1 - x)) if x < 1 else np.inf
    return x if value <= 0 else float(np.log(x)) if x > 0 else np.inf


def _residual(now: Alternative, name: str, value: float, seen: list[OptimizerCase]) -> Host:
    """Return the first steps' departures in units of what is allowed; infinite for a number that can't be."""
    other = replace(now, settings={**now.settings, name: float(value)})
    parts = []
    for found in seen:
        steps = min(FIRST, found.finite)
        points = np.asarray(list(islice(other.points(found.reference), steps + 1)))
        if not steps or len(points) <= steps or not np.isfinite(points).all():
            return np.asarray([np.inf])
        own = replace(found.reference, points=points)
        units = allowed(own, found.eps, found.tolerance)[:, None]
        parts.append(((points[1:] - found.points[1 : steps + 1]) / units).ravel())
    return np.concatenate(parts)
