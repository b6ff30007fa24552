"""Error against step, a panel a method, with the band in which the bound says that it must lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.convergence import LinearQuadratic
from sofim_ref.plots.style import GREY, line_style, look, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def error_bands(bounds: Mapping[str, LinearQuadratic], *, title: str) -> Figure:
    """Draw ‖w − w*‖ against the step, and, from each error, the band up to the bound on the next one.

    Steps to which the bound doesn't apply lie on grey, with the reason; there is no band.

    Parameters
    ----------
    bounds : mapping
        From a method's name in the registry to what `linear_quadratic_bound` found.
    title : str
        The message of the picture.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    with look():
        columns = min(3, len(bounds))
        rows = math.ceil(len(bounds) / columns)
        figure = Figure(layout="constrained", figsize=(4.6 * columns, 0.8 + 3.8 * rows))
        panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes, (method, found) in zip(panels.flat, bounds.items(), strict=False):
            _panel(axes, method, found)
        for axes in panels.flat[len(bounds) :]:
            axes.set_axis_off()
        for row in panels:
            row[0].set_ylabel("error, ‖w − w*‖")
        figure.suptitle(wrapped(title, 34 * columns), fontsize=15, x=0.01, ha="left")
    return figure


def _panel(axes: Any, method: str, found: LinearQuadratic) -> None:
    style = line_style(method)
    errors = np.append(found.error, found.next_error[-1:])
    floor = np.min(errors[errors > 0], initial=1e-16)
    steps = np.arange(len(errors))
    axes.semilogy(steps, np.maximum(errors, floor), color=style["color"], label="error")
    allowed = np.where(found.applies, found.bound + found.rounding, np.nan)
    axes.fill_between(
        steps[1:], np.maximum(found.next_error, floor), allowed, color=style["color"], alpha=0.25, linewidth=0
    )
    axes.semilogy(steps[1:], allowed, color=style["color"], linewidth=1, linestyle=(0, (2, 2)), label="bound")
    for k in np.flatnonzero(~found.applies):
        axes.axvspan(k, k + 1, color=GREY, alpha=0.35, linewidth=0)
    if not found.applies.all():
        reason = next(reason for reason in found.reasons if reason)
        axes.text(0.03, 0.03, f"grey: {wrapped(reason, 36)}", transform=axes.transAxes, fontsize=10, va="bottom")
    axes.set_title(style["label"], fontsize=13, pad=6)
    axes.set_xlabel("step")
