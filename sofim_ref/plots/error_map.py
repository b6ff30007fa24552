"""The error after a step against the error before it: a slope of 1 is linear convergence, of 2 quadratic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sofim_ref.arrays.validation import non_negative, shown
from sofim_ref.plots.line_styles import Key, title_of
from sofim_ref.plots.style import add_legend, labelled, panels, styled


def error_map(steps: Mapping[Key, tuple[Any, ...]], *, title: str, floor: float = 1e-14) -> Figure:
    """Draw ‖Δ⁺‖ against ‖Δ‖ on logarithmic axes, with the slopes 1 and 2 drawn in, and the digits that a step gains.

    A run moves from right to left, with a mark wherever the error has changed by a third or so. The digits gained are
    log₁₀ ‖Δ‖/‖Δ⁺‖: linear convergence gains the same in every step, quadratic convergence twice as many as before.
    Steps that gain none are in the left panel only. Marks are hollow where the linear-quadratic bound
    doesn't apply.

    Parameters
    ----------
    steps : mapping
        From a method or label to ‖Δ‖, ‖Δ⁺‖ and whether the bound applies, each of shape (T,).
    floor : float
        Errors below it are rounding, and left out; so is what lies beyond 1000 times the first error.

    Raises
    ------
    TypeError, ValueError
        If `steps` is no mapping to three arrays of one length, or `floor` not a number >= 0.
    """
    labelled("steps", steps)
    non_negative("floor", floor)
    steps = {key: _three(key, columns) for key, columns in steps.items()}
    with panels(title, 2, size=(6.5, 6.2)) as (figure, (left, right)):
        ceiling = 1e3 * max((error[0] for error, _, _ in steps.values()), default=1.0)
        everything = np.concatenate([np.zeros(0), *(column for columns in steps.values() for column in columns[:2])])
        seen = everything[(everything > floor) & (everything < ceiling)]
        for style, columns in styled(steps):
            _draw((left, right), style, _apart(columns, floor, ceiling))
        if seen.size:
            _slopes(left, seen.min(), seen.max())
        left.set(xlabel="error before a step, ‖Δ‖", ylabel="error after it, ‖Δ⁺‖")
        right.set(xlabel="error before a step, ‖Δ‖", ylabel="digits gained in the step, log₁₀ ‖Δ‖/‖Δ⁺‖")
        for axes in (left, right):
            if any(len(line.get_xdata()) for line in axes.lines):  # type: ignore[arg-type]  # it is an array here
                axes.set(xscale="log", yscale="log")
        add_legend(figure, left)
    return figure


def _three(key: Key, columns: Any) -> tuple[Any, Any, Any]:
    """Return ‖Δ‖, ‖Δ⁺‖ and whether the bound applies as arrays, refusing all but three of one length."""
    what = f"steps[{title_of(key)!r}] must be ‖Δ‖, ‖Δ⁺‖ and whether the bound applies, each of shape (T,)"
    if not isinstance(columns, tuple | list):
        msg = f"{what}, got {shown(columns)}."
        raise TypeError(msg)
    arrays = [np.asarray(column) for column in columns]
    if len(arrays) != 3 or len({array.shape for array in arrays}) > 1 or arrays[0].ndim != 1:
        msg = f"{what}, got {', '.join(str(array.shape) for array in arrays)}."
        raise ValueError(msg)
    return arrays[0], arrays[1], arrays[2]


def _apart(columns: tuple[Any, ...], floor: float, ceiling: float) -> tuple[Any, Any, Any]:
    """Return the steps between floor and ceiling, less those that begin where another mark is already."""
    error, following, applies = columns
    kept: list[int] = []
    for k in np.flatnonzero((np.minimum(error, following) > floor) & (np.maximum(error, following) < ceiling)):
        if not kept or abs(np.log(error[k] / error[kept[-1]])) > 0.3:
            kept.append(int(k))
    return error[kept], following[kept], applies[kept]


def _draw(panels: tuple[Axes, Axes], style: Mapping[str, Any], steps: tuple[Any, Any, Any]) -> None:
    error, following, applies = steps
    covered = bool(applies.all())
    marks = {
        "linestyle": "none",
        "marker": style["marker"],
        "markersize": 8,
        "color": style["color"],
        "markerfacecolor": style["color"] if covered else "none",
    }
    panels[0].plot(error, following, label=style["label"] + ("" if covered else " (bound doesn't apply)"), **marks)
    nearer = following < error
    panels[1].plot(error[nearer], np.log10(error / following)[nearer], **marks)


def _slopes(axes: Axes, smallest: float, largest: float) -> None:
    """Draw the lines ‖Δ⁺‖ = ‖Δ‖ and ‖Δ⁺‖ = ‖Δ‖²/‖Δ₀‖, each with its slope written on it."""
    x = np.geomspace(smallest, largest, 50)
    for slope, dashes, below in ((1, "-", 10), (2, (0, (4, 3)), -22)):
        y = largest * (x / largest) ** slope
        drawn = y >= 0.3 * smallest
        axes.plot(x[drawn], y[drawn], color="black", linewidth=1, linestyle=dashes, zorder=0)
        at = int(np.flatnonzero(drawn)[len(np.flatnonzero(drawn)) // 4])
        place: Any = {"xytext": (0, below), "textcoords": "offset points"}
        axes.annotate(f"slope {slope}", (x[at], y[at]), ha="right" if slope == 1 else "left", fontsize=12, **place)
