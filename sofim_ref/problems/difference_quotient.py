"""The slope of a loss along a line from its values alone: central differences, extrapolated, with their error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

_RATIO = 4.0
"""By what number each step of the ladder is shorter than the one before."""

_KINKS = 10.0
"""How many times the jump K goes into the error: half of it would do for one kink, but several may cancel in it."""

NOISE_POINTS = 7
"""How many equidistant values `noise` needs."""


class Slope(NamedTuple):
    """A slope and an estimate of its error; both are NaN and infinity where no step gave finite values.

    Parameters
    ----------
    value : float
        The slope at 0.
    error : float
        What truncation, rounding and kinks may add up to.
    kink : float
        The jump of the slope that the shortest step saw at which f didn't look smooth; 0 if it did at all.
    """

    value: float
    error: float
    kink: float


def slope(f: Callable[[float], float], scale: float, *, claimed: float, rounding: float, eps: float) -> Slope:
    r"""Return the slope of f at 0, from central differences over a ladder of steps h, each a quarter of the last.

    .. math:: D(h) = \frac{f(h) - f(-h)}{2h}, \qquad R(h) = \frac{16\, D(h/4) - D(h)}{15} = f'(0) + O(h^4) .

    Parameters
    ----------
    f : callable
        From an offset to the loss there. Where it raises an ArithmeticError or a ValueError it has no value.
    scale : float
        The first h is a quarter of it.
    claimed : float
        The slope that f is said to have: where the differences contradict it, they are taken at every step.
    rounding : float
        How far rounding may put a value of f off: see `noise`.
    eps : float
        That of the dtype in which f is computed.

    Returns
    -------
    Slope
        The R with the least estimated error.

    Notes
    -----
    The error has three parts. **Truncation**: by how much R changed from the rung before, some 250 times its own error
    where h is small beside the loss's own scale, plus a sixteenth of the change before that, lest two agree by
    accident. **Rounding**: that of f's values and of the points, divided by h, the shorter step of R. The first falls
    and the second grows from rung to rung; where they meet, after about five rungs at 2 losses each, the ladder ends if
    the slope claimed lies within the error. **Kinks**: the one-sided slopes differ by

    .. math:: J(h) = \frac{f(h) - 2 f(0) + f(-h)}{h} = h f''(0) + O(h^3) , \qquad
              K(h) = \frac{4 J(h/4) - J(h)}{3} = O(h^3) ,

    so K must fall by half or more from rung to rung. Where it doesn't, f has a kink nearer to 0 than h, or a bend that
    is sharp beside h, and ten times K is part of the error until two rungs in a row show that K is gone. Kinks on both
    sides of 0 may cancel in K: hence an R whose change has not fallen by half either is no estimate, the ladder goes on
    to its last step, h = scale eps^⅔, where the claim is contradicted, and the distance from a longer step's R to a
    shorter one's, less the latter's error, is at least the error of the former.

    Source: Ridders 1982, doi:10.1016/S0141-1195(82)80057-0, for extrapolation with an error estimate.

    Examples
    --------
    >>> found = slope(math.exp, 1.0, claimed=1.0, rounding=2e-16, eps=2.2e-16)
    >>> abs(found.value - 1) < found.error < 1e-11
    True
    """
    center, f = f(0.0), where_defined(f)
    best, rungs = Slope(math.nan, math.inf, 0.0), list[Slope]()
    D = R = change = J = K = math.nan  # each needs one rung more than the one before
    settled, kink = True, 0.0
    h = scale
    while h > eps ** (2 / 3) * scale:
        h /= _RATIO
        ahead, behind = f(h), f(-h)
        longer_D, longer_R, longer_change, longer_J, longer_K = D, R, change, J, K
        D, J = (ahead - behind) / (2 * h), (ahead - 2 * center + behind) / h
        R = (_RATIO**2 * D - longer_D) / (_RATIO**2 - 1)
        K = (_RATIO * J - longer_J) / (_RATIO - 1)
        rounded = 3 * (rounding + eps * max(abs(ahead), abs(behind))) / h + eps * scale * (abs(J) + abs(D)) / h
        change = abs(R - longer_R)
        truncated = change + longer_change / _RATIO**2
        if abs(K) > abs(longer_K) / 2 + 2 * rounded:
            kink = max(abs(K), abs(longer_K))
        before, settled = settled, not kink or abs(K) + 2 * rounded <= kink / 2
        if not (before and settled):  # once may be an accident
            truncated = max(truncated, _KINKS * kink)
        if change > longer_change / 2 + 2 * rounded:
            kink = max(kink, change)
        elif math.isfinite(truncated + rounded):
            rungs = [_contradicted(longer, R, truncated + rounded) for longer in rungs]
            rungs.append(Slope(R, truncated + rounded, 0.0))
            best = min(rungs, key=lambda rung: rung.error)
        if truncated < rounded and abs(best.value - claimed) <= best.error:
            break
    return best._replace(kink=max(kink, best.kink))


def _contradicted(longer: Slope, value: float, error: float) -> Slope:
    """Return the estimate from a longer step with the error that one from a shorter step shows."""
    shown = abs(longer.value - value) - error
    return Slope(longer.value, shown, shown) if shown > longer.error else longer


def where_defined(f: Callable[[float], float]) -> Callable[[float], float]:
    """Return f with NaN for its value where it raises, as the logarithm of a negative number does."""

    def value(offset: float) -> float:
        try:
            return f(offset)
        except (ArithmeticError, ValueError):
            return math.nan

    return value


def noise(values: Sequence[float]) -> float:
    r"""Return by how much rounding puts values of a smooth function off, from its values at equidistant points.

    .. math:: \sigma_k^2 = \frac{(k!)^2}{(2k)!}\, \operatorname{mean}\big((\Delta^k f)^2\big) .

    Parameters
    ----------
    values : sequence of float
        `NOISE_POINTS` values, so close to each other that the fourth difference of the function itself vanishes.

    Returns
    -------
    float
        The largest of σ₄ and σ₅: a standard deviation.

    Notes
    -----
    Source: Moré & Wild 2011, doi:10.1137/100786125, §2.

    Examples
    --------
    >>> noise([(1 + 1e-3 * k) ** 2 for k in range(7)]) < 1e-15
    True
    """
    differences, found = list(values), 0.0
    for k in range(1, 6):
        differences = [after - before for before, after in pairwise(differences)]
        if k >= 4:
            gamma = math.factorial(k) ** 2 / math.factorial(2 * k)
            found = max(found, math.sqrt(gamma * float(np.mean(np.square(differences)))))
    return found
