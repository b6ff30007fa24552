"""The order and the rate of convergence of a sequence of errors, fitted to its tail, with their standard errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FEWEST_STEPS = 3
"""The fewest steps that are fitted: there is a line through any two points."""


@dataclass(frozen=True)
class Order:
    r"""The order of convergence q and the rate r of the fit :math:`e_{k+1} \approx r\, e_k^{\,q}`.

    Parameters
    ----------
    order, order_error : float
        q, and its standard error; 0 if it was given.
    rate, rate_error : float
        r, and its standard error.
    first, last : int
        The range of the steps that were fitted: the first begins at error number `first`, the last ends at `last`.
    """

    order: float
    order_error: float
    rate: float
    rate_error: float
    first: int
    last: int


def order_of_convergence(
    errors: Sequence[float] | Any,
    following: Sequence[float] | Any | None = None,
    *,
    order: float | None = None,
    floor: float | None = None,
) -> Order:
    r"""Return order q and rate r of :math:`e_{k+1} \approx r\, e_k^{\,q}`, fitted to the last half of the steps.

    Parameters
    ----------
    errors : sequence of float, shape (T + 1,) or (T,)
        The errors e₀, e₁, … of a run, each >= 0; or, with `following`, the errors before T steps.
    following : sequence of float, shape (T,), optional
        The errors after those steps, which then need not belong to one run.
    order : float, optional
        q, if it is known: only r is fitted, and to more digits.
    floor : float, optional
        Errors at or below it are rounding, and so is every step that begins or ends there. If not given, 1000 eps times
        the largest error.

    Returns
    -------
    Order

    Raises
    ------
    ValueError
        If fewer than three steps stay above the floor; if numbers are negative or not finite; if all errors are equal
        and no order is given.

    Notes
    -----
    Linear regression of log eₖ₊₁ on log eₖ. The standard errors are the regression's: they measure how far the points
    scatter about a line, not how far the tail is from its limit.

    Examples
    --------
    >>> found = order_of_convergence([1e-1, 2e-2, 8e-4, 1.28e-6, 3.2768e-12])
    >>> round(found.order, 6), round(found.rate, 6)
    (2.0, 2.0)
    >>> round(order_of_convergence([0.5**k for k in range(20)], order=1).rate, 12)
    0.5
    """
    before, after = _steps(errors, following)
    largest = max(float(np.max(before, initial=0.0)), float(np.max(after, initial=0.0)))
    floor = 1000 * float(np.finfo(np.float64).eps) * largest if floor is None else floor
    above = (before > floor) & (after > floor)
    if following is None:
        above &= np.cumprod(above).astype(bool)  # after the first error at the floor, all is rounding
    n = int(np.sum(above))
    if n < FEWEST_STEPS:
        msg = (
            f"errors must have at least {FEWEST_STEPS} steps above the floor of the arithmetic, {floor:.3g}, got {n}: "
            "what is left to fit is rounding."
        )
        raise ValueError(msg)
    used = np.flatnonzero(above)[-max(FEWEST_STEPS, math.ceil(n / 2)) :]
    x, y = np.log(before[used]), np.log(after[used])
    slope, slope_error, intercept, intercept_error = _line(x, y) if order is None else _intercept(x, y, order)
    rate = math.exp(intercept)
    return Order(slope, slope_error, rate, rate * intercept_error, int(used[0]), int(used[-1]) + 1)


def _steps(errors: Any, following: Any | None) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    e = np.atleast_1d(np.asarray(errors, dtype=np.float64))
    before, after = (e[:-1], e[1:]) if following is None else (e, np.asarray(following, dtype=np.float64))
    if before.ndim != 1 or before.shape != after.shape:
        msg = f"errors and following must be two sequences of one length, got shapes {before.shape} and {after.shape}."
        raise ValueError(msg)
    both = np.concatenate([before, after])
    if not np.all(np.isfinite(both) & (both >= 0)):
        msg = f"errors must be finite numbers >= 0, got {both[~(np.isfinite(both) & (both >= 0))][0]}."
        raise ValueError(msg)
    return before, after


def _line(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> tuple[float, float, float, float]:
    """Return slope and intercept of the line through the points, each followed by its standard error."""
    from scipy.stats import linregress

    if np.ptp(x) == 0:
        msg = "errors must differ for an order to be fitted, got equal ones; order=1 fits the rate alone."
        raise ValueError(msg)
    fit = linregress(x, y)
    return float(fit.slope), float(fit.stderr), float(fit.intercept), float(fit.intercept_stderr)


def _intercept(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], order: float) -> tuple[float, float, float, float]:
    """Return the given slope, 0, and the mean intercept with its standard error."""
    intercepts = y - order * x
    return float(order), 0.0, float(np.mean(intercepts)), float(np.std(intercepts, ddof=1)) / math.sqrt(len(x))
