"""The points of a method, in 50 digits, one step after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np

from sofim_ref.testing.formulas.conventions import PAPER, Conventions
from sofim_ref.testing.formulas.settings import MORE, RUN

DIGITS = 50


def evaluate(
    method: str,
    settings: dict[str, Any],
    start: Any,
    arguments: dict[str, Any],
    layers: tuple[slice, ...],
    *,
    by: Conventions = PAPER,
) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the points of a method, the starting one first, rounded to float64 from 50 digits.

    Parameters
    ----------
    method : str
        A key of `settings.RUN`.
    settings : dict
        All of its hyper-parameters.
    start : array, shape (d,)
        The starting point.
    arguments : dict
        The ``gradient`` and what else the method takes, steps first; a list has an array a layer.
    layers : tuple of slice
        The parameters of each layer.
    by : Conventions
        What an implementation does where implementations part.
    """
    steps = len(arguments["gradient"])
    with mpmath.workdps(DIGITS):
        taken = {name: arguments[name] for name in ("gradient", *MORE.get(method, ()))}
        run = RUN[method](_exact(start), _by_step(taken, layers, steps), **settings, by=by)
    yield np.array(start, dtype=np.float64)
    for _ in range(steps):
        with mpmath.workdps(DIGITS):  # entered anew, as other trajectories may be evaluated between two steps
            point = next(run)
        yield np.asarray([float(x) for x in point])


def _by_step(arguments: dict[str, Any], layers: tuple[slice, ...], steps: int) -> Iterator[dict[str, Any]]:
    for t in range(steps):
        now = {name: [x[t] for x in part] if isinstance(part, list) else part[t] for name, part in arguments.items()}
        yield {"layers": list(layers), **{name: _exact(part) for name, part in now.items()}}


def _exact(x: Any) -> Any:
    return [_exact(part) for part in x] if isinstance(x, list) or np.ndim(x) else mpmath.mpf(float(x))
