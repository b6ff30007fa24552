"""What C did in each step of a run: how far it turned the gradient, how much of it is damping, how long the step is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.plots.line_styles import Key, title_of
from sofim_ref.plots.style import HUGE, add_legend, draw, labelled, panels, styled
from sofim_ref.training.diagnostics import DIAGNOSTICS
from sofim_ref.training.trace import Trace

TITLES = {
    "cosine": "cosine of step and gradient",
    "condition_needed": "least condition number that the step needs",
    "condition": "condition number of C",
    "damping_share": "share of the damping in C's curvature",
    "radius_share": "‖C⁻¹v‖ over its largest possible value",
}
"""What stands above the panel of each column."""

LEVELS = {"cosine": 0.0, "damping_share": 0.5, "radius_share": 1.0}
"""Where a panel with a linear axis has a thin line."""


def step_diagnostics(traces: Mapping[Key, Trace], *, title: str) -> Figure:
    """Draw the columns of ``minimize(…, diagnostics=True)`` against the step, a panel each.

    A line breaks where a step doesn't have the number, or it is infinite: no positive definite C explains a step along
    which the loss rises. The panels of the two condition numbers have one axis. A column that no run has gets no panel.

    Parameters
    ----------
    traces : mapping
        From a method or label to its run with diagnostics; others are left out.

    Raises
    ------
    TypeError, ValueError
        If `traces` is no mapping to traces, or no run has a number to be drawn.
    """
    labelled("traces", traces, Trace, "minimize returns one")
    drawn = {key: trace for key, trace in traces.items() if set(DIAGNOSTICS) <= set(trace)}
    names = [name for name in DIAGNOSTICS if any(np.isfinite(trace[name]).any() for trace in drawn.values())]
    if not names:
        labels = [title_of(key) for key in traces]
        msg = f"traces must have a run with diagnostics, got none of {labels}: minimize(…, diagnostics=True) makes one."
        raise ValueError(msg)
    with panels(title, len(names), size=(5.6, 4.0)) as (figure, grid):
        axes = dict(zip(names, grid, strict=True))
        for name, panel in axes.items():
            for style, trace in styled(drawn):
                draw(panel, style, trace["step"][1:], _finite(trace[name][1:]))
            panel.set_title(TITLES[name], fontsize=13, pad=6)
            panel.set_xlabel("step")
            panel.minorticks_off()
            if name in LEVELS:
                panel.set_yscale("linear")
                panel.set_ylim(-1.05 if name == "cosine" and panel.get_ylim()[0] < 0 else -0.05, 1.05)
                panel.axhline(LEVELS[name], color="black", linewidth=1, zorder=0)
        _one_axis([axes[name] for name in ("condition_needed", "condition") if name in axes])
        add_legend(figure, grid[0])
    return figure


def _finite(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(np.abs(column) <= HUGE, column, np.nan)


def _one_axis(grid: list[Any]) -> None:
    """Give panels with a logarithmic axis the same one, from 1 on."""
    high = max((panel.get_ylim()[1] for panel in grid), default=1.0)
    for panel in grid:
        panel.set_ylim(0.8, max(high, 10.0))
