"""The points of a method, in 50 digits, one step after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np

from sofim_ref.testing.formulas.conventions import PAPER, Conventions
from sofim_ref.testing.formulas.settings import RUN

DIGITS = 50


def play(
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
    with mpmath.workdps(DIGITS):
        by_step = [
            {
                "layers": list(layers),
                **{
                    name: _exact([x[t] for x in part] if isinstance(part, list) else part[t])
                    for name, part in arguments.items()
                },
            }
            for t in range(len(arguments["gradient"]))
        ]
        run = RUN[method](_exact(start), by_step, **settings, by=by)
    yield np.array(start, dtype=np.float64)
    for _ in by_step:
        with mpmath.workdps(DIGITS):  # entered anew, as other trajectories may be played between two steps
            point = next(run)
        yield np.asarray([float(x) for x in point])


def _exact(x: Any) -> Any:
    return [_exact(part) for part in x] if isinstance(x, list) or np.ndim(x) else mpmath.mpf(float(x))
