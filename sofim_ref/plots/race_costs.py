"""The cost of each method to reach the targets: median and quartiles over seeds, in every unit."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sofim_ref.plots.line_styles import Key, title_of
from sofim_ref.plots.race_curves import logarithmic_axis
from sofim_ref.plots.style import drawable, look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Quartiles = tuple[float, float, float]
"""Lower quartile, median, upper quartile; ∞ where a target was not reached."""

MARKS = (("o", "#56B4E9"), ("s", "#0072B2"), ("^", "#000000"))
"""Marker and colour of the targets, easy to hard."""


def race_costs(costs: Mapping[str, Mapping[Key, Sequence[Quartiles]]], targets: Sequence[str], *, title: str) -> Figure:
    """Draw a panel for each unit, a row a method, a mark a target: the median, with a line over the quartiles.

    A median at ∞ has no mark; an upper quartile at ∞ ends in an arrow at the panel's edge.

    Parameters
    ----------
    costs : mapping
        From a unit to a mapping from a method or label to its `Quartiles`, one a target.
    targets : sequence of str
        What each target is called.
    title : str
        The message of the picture.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    drawable("costs", costs)
    with look():
        methods = list(next(iter(costs.values())))
        figure = Figure(layout="constrained", figsize=(13, 2.6 + 0.55 * len(methods)))
        panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
        for axes, (cost, rows) in zip(panels, costs.items(), strict=True):
            _panel(axes, [rows[method] for method in methods])
            axes.set(xlabel=cost, ylim=(len(methods) - 0.4, -0.6))
        panels[0].set_yticks(range(len(methods)), [title_of(method) for method in methods])
        figure.suptitle(textwrap.fill(title, 105), x=0.01, ha="left", fontsize=15)
        figure.legend(handles=[_key(*mark, name) for mark, name in zip(MARKS, targets, strict=False)],
                      loc="outside lower center", ncols=3)  # fmt: skip
    return figure


def _panel(axes: Any, rows: Sequence[Sequence[Quartiles]]) -> None:
    finite = [number for row in rows for quartiles in row for number in quartiles if math.isfinite(number)]
    positive = [number for number in finite if number > 0]
    lowest, highest = (min(positive), max(positive)) if positive else (1.0, 10.0)
    edge = 1.6 * highest
    decades = math.log10(edge / lowest)
    logarithmic_axis(axes.xaxis, (1, 2, 5) if decades < 1.3 else (1, 3) if decades < 2 else (1,))
    axes.set_xlim(lowest / 1.6, edge)
    axes.grid(visible=True, which="major", axis="x")
    for i, row in enumerate(rows):
        if not any(math.isfinite(median) for _, median, _ in row):
            axes.annotate("not reached", (0.5, i), xycoords=("axes fraction", "data"), ha="center", va="center",
                          fontsize=12, color="0.4")  # fmt: skip
            continue
        for j, (lower, median, upper) in enumerate(row):
            if not math.isfinite(median):
                continue
            marker, color = MARKS[j]
            y = i + 0.22 * (j - 1)
            axes.plot([max(lower, lowest / 1.6), min(upper, edge)], [y, y], color=color, linewidth=2)
            if math.isinf(upper):
                axes.plot(edge, y, marker=">", color=color, markersize=8, clip_on=False)
            axes.plot(max(median, lowest), y, marker=marker, color=color, markersize=9, linestyle="none")


def _key(marker: str, color: str, name: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], marker=marker, color=color, markersize=9, linewidth=2, label=name)
