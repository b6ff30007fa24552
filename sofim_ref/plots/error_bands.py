"""Error against step, a panel a method, with the band within which the bound holds the next error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from sofim_ref.convergence import LinearQuadratic
from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import GREY, HUGE, cut, drawable, panels, styled, wrapped


def error_bands(bounds: Mapping[Key, LinearQuadratic], *, title: str) -> Figure:
    """Draw the error against the step, and, from each error, the band up to the bound on the next one.

    The error is measured in the norm of the bound, which stands above each panel. Where that is not ‖Δ‖ = ‖w − w*‖,
    a thin line is ‖Δ‖, which never exceeds it. Steps that the bound doesn't cover are hatched, with the reasons and
    how many steps each has; there is no band.

    Parameters
    ----------
    bounds : mapping
        From a method or label to what `linear_quadratic_bound` found.
    """
    drawable("bounds", bounds, LinearQuadratic, "linear_quadratic_bound returns one")
    ylabel = "error, in the panel's norm"
    with panels(title, len(bounds), size=(4.6, 3.9), shared="y", ylabel=ylabel) as (figure, grid):
        for axes, (style, found) in zip(grid, styled(bounds), strict=True):
            _panel(axes, style, found)
        cut(grid[0], max(float(found.distance[0]) for found in bounds.values()))
    return figure


def _panel(axes: Axes, style: Mapping[str, Any], found: LinearQuadratic) -> None:
    errors = np.append(found.error, found.next_error[-1:])
    floor = np.min(errors[errors > 0], initial=1e-16)
    steps = np.arange(len(errors))
    allowed = np.where(found.covered, np.minimum(found.bound + found.rounding, HUGE), np.nan)
    axes.semilogy(steps, np.clip(errors, floor, HUGE), color=style["color"], label="error")
    axes.semilogy(steps[1:], allowed, color=style["color"], linewidth=1, linestyle=(0, (2, 2)), label="bound")
    if found.norm != "‖Δ‖":
        distances = np.append(found.distance, found.next_distance[-1:])
        axes.semilogy(steps, np.clip(distances, floor, HUGE), color="black", linewidth=0.8, label="‖Δ‖")
    reached = np.clip(found.next_error, floor, HUGE)
    axes.fill_between(steps[1:], reached, allowed, color=style["color"], alpha=0.25, linewidth=0)
    for k in np.flatnonzero(~found.covered).tolist():
        axes.axvspan(k, k + 1, facecolor="none", edgecolor=GREY, hatch="//", linewidth=0, zorder=0)
    if found.reason:
        text = "\n".join(wrapped(reason, 42) for reason in f"hatched: {found.reason}".split("; "))
        halo = [withStroke(linewidth=3, foreground="white")]
        axes.text(0.03, 0.03, text, transform=axes.transAxes, fontsize=10, va="bottom", path_effects=halo)
    axes.set_title(f"{wrapped(style['label'], 40)}\n{found.norm}", fontsize=13, pad=6)
    axes.set_xlabel("step")
