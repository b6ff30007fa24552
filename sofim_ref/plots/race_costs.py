"""What it took each method to reach the targets: median and quartiles over seeds, in every way of counting."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sofim_ref.optimizers import REGISTRY
from sofim_ref.plots.style import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Quartiles = tuple[float, float, float]
"""Lower quartile, median, upper quartile; ∞ where a target was not reached."""

MARKS = (("o", "#56B4E9"), ("s", "#0072B2"), ("^", "#000000"))
"""Marker and colour of the targets, easy to hard."""


def race_costs(costs: Mapping[str, Mapping[str, Sequence[Quartiles]]], targets: Sequence[str], *, title: str) -> Figure:
    """Draw a panel for each way of counting, a row a method, a mark a target: the median, a line over the quartiles.

    A median at ∞ has no mark; an upper quartile at ∞ ends in an arrow at the panel's edge.

    Parameters
    ----------
    costs : mapping
        From a way of counting to a mapping from a method's name in the registry to its `Quartiles`, one a target.
    targets : sequence of str
        What each target is called.
    title : str
        The message of the picture.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    with look():
        methods = list(next(iter(costs.values())))
        figure = Figure(layout="constrained", figsize=(13, 2.6 + 0.55 * len(methods)))
        panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
        for axes, (cost, rows) in zip(panels, costs.items(), strict=True):
            _panel(axes, [rows[method] for method in methods])
            axes.set(xlabel=cost, ylim=(len(methods) - 0.4, -0.6))
        panels[0].set_yticks(range(len(methods)), [REGISTRY[method].title for method in methods])
        figure.suptitle(textwrap.fill(title, 105), x=0.01, ha="left", fontsize=15)
        figure.legend(handles=[_key(*mark, name) for mark, name in zip(MARKS, targets, strict=False)],
                      loc="outside lower center", ncols=3)  # fmt: skip
    return figure


def _panel(axes: Any, rows: Sequence[Sequence[Quartiles]]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    finite = [number for row in rows for quartiles in row for number in quartiles if math.isfinite(number)]
    positive = [number for number in finite if number > 0]
    least, most = (min(positive), max(positive)) if positive else (1.0, 10.0)
    edge = 1.6 * most
    decades = math.log10(edge / least)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1.3 else (1, 3) if decades < 2 else (1,)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(least / 1.6, edge)
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
            axes.plot([max(lower, least / 1.6), min(upper, edge)], [y, y], color=color, linewidth=2)
            if math.isinf(upper):
                axes.plot(edge, y, marker=">", color=color, markersize=8, clip_on=False)
            axes.plot(max(median, least), y, marker=marker, color=color, markersize=9, linestyle="none")


def _key(marker: str, color: str, name: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], marker=marker, color=color, markersize=9, linewidth=2, label=name)
