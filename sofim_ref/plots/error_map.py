"""The next error against this one: a slope of 1 is linear convergence, of 2 quadratic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.plots.style import GREY, line_style, look, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Steps = Mapping[str, tuple[Any, ...]]
"""From a method's name in the registry to ‖Δ‖, ‖Δ⁺‖ and whether the bound applies: each of shape (T,)."""


def error_map(steps: Steps, *, title: str, floor: float = 1e-14) -> Figure:
    """Draw ‖Δ⁺‖ against ‖Δ‖ on logarithmic axes, with the slopes 1 and 2 drawn in, and the digits that a step gains.

    A run moves from right to left, with a mark wherever the error has changed by a third or so. The digits gained are
    log₁₀ ‖Δ‖/‖Δ⁺‖: linear convergence gains the same in every step, quadratic convergence twice as many as before.
    Steps that gain none are on the left alone. Steps to which the linear-quadratic bound doesn't apply are grey inside.

    Parameters
    ----------
    steps : mapping
        From a method's name in the registry to ‖Δ‖, ‖Δ⁺‖ and whether the bound applies, each of shape (T,).
    title : str
        The message of the picture.
    floor : float
        Errors below it are rounding, and left out.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    with look():
        figure = Figure(layout="constrained", figsize=(13, 7))
        left, right = figure.subplots(1, 2)
        everything = np.concatenate([np.concatenate([columns[0], columns[1]]) for columns in steps.values()])
        seen = everything[np.isfinite(everything) & (everything > floor)]
        for method, (error, following, applies) in steps.items():
            _draw((left, right), line_style(method), _apart(error, following, applies, floor))
        if seen.size:
            _slopes(left, seen.min(), seen.max())
        left.set(xlabel="error before a step, ‖Δ‖", ylabel="error after it, ‖Δ⁺‖")
        right.set(xlabel="error before a step, ‖Δ‖", ylabel="digits gained in the step, log₁₀ ‖Δ‖/‖Δ⁺‖")
        for axes in (left, right):
            axes.set(xscale="log", yscale="log")
        figure.suptitle(wrapped(title, 100), fontsize=15, x=0.01, ha="left")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _apart(error: Any, following: Any, applies: Any, floor: float) -> tuple[Any, Any, Any]:
    """Return the steps above the floor, less those that begin where another mark is already."""
    kept: list[int] = []
    for k in np.flatnonzero((error > floor) & (following > floor)):
        if not kept or abs(np.log(error[k] / error[kept[-1]])) > 0.3:
            kept.append(int(k))
    return error[kept], following[kept], applies[kept]


def _draw(panels: tuple[Any, Any], style: dict[str, Any], steps: tuple[Any, Any, Any]) -> None:
    error, following, applies = steps
    covered = bool(applies[1:].all())  # the first step of a method with momentum has no past, and is always covered
    marks = {
        "linestyle": "none",
        "marker": style["marker"],
        "markersize": 8,
        "color": style["color"],
        "markerfacecolor": style["color"] if covered else GREY,
    }
    panels[0].plot(error, following, label=style["label"] + ("" if covered else " (bound doesn't apply)"), **marks)
    nearer = following < error
    panels[1].plot(error[nearer], np.log10(error / following)[nearer], **marks)


def _slopes(axes: Any, least: float, largest: float) -> None:
    """Draw the lines ‖Δ⁺‖ = ‖Δ‖ and ‖Δ⁺‖ = ‖Δ‖²/‖Δ₀‖, and say which is which."""
    x = np.geomspace(least, largest, 50)
    for slope, dashes, below in ((1, "-", 10), (2, (0, (4, 3)), -22)):
        y = largest * (x / largest) ** slope
        drawn = y >= 0.3 * least
        axes.plot(x[drawn], y[drawn], color="black", linewidth=1, linestyle=dashes, zorder=0)
        at = int(np.flatnonzero(drawn)[len(np.flatnonzero(drawn)) // 4])
        place = {"xytext": (0, below), "textcoords": "offset points"}
        axes.annotate(f"slope {slope}", (x[at], y[at]), ha="right" if slope == 1 else "left", fontsize=12, **place)
