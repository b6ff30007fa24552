"""Performance profiles: within a factor τ of the best, on which share of the problems."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sofim_ref.plots.line_styles import Key, line_styles
from sofim_ref.plots.race_curves import logarithmic_axis
from sofim_ref.plots.style import add_legend, drawable, look, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FURTHEST = 100.0
"""The factor at which the picture ends at the latest."""


def performance_profiles(ratios: Mapping[str, Mapping[Key, Sequence[float]]], *, title: str) -> Figure:
    """Draw a panel for each unit of cost: the share of problems that a method solves within a factor τ of the best.

    Each line is a step function: it begins, at τ = 1, with the share of problems on which the method is the best, and
    ends with the share that it solves within the factor at the right edge, `FURTHEST` at most.

    Parameters
    ----------
    ratios : mapping
        From a unit to a mapping from a method or label to its costs divided by the lowest of all methods', one a
        problem, at least 1; ∞ where it failed.
    title : str
        The message of the picture.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    Source: Dolan & Moré (2002), doi:10.1007/s101070100263.
    """
    from matplotlib.figure import Figure

    drawable("ratios", ratios)
    for unit, methods in ratios.items():
        drawable(f"ratios[{unit!r}]", methods, Collection, "one number a problem is needed")
    with look():
        figure = Figure(layout="constrained", figsize=(5 * max(2, len(ratios)), 6.5))
        panels = figure.subplots(1, len(ratios), sharey=True, squeeze=False)[0]
        for axes, (unit, methods) in zip(panels, ratios.items(), strict=True):
            finite = [ratio for mine in methods.values() for ratio in mine if math.isfinite(ratio)]
            edge = min(FURTHEST, 1.1 * max([1.5, *finite]))
            for (key, style), mine in zip(line_styles(methods).items(), methods.values(), strict=True):
                solved = sorted(ratio for ratio in methods[key] if ratio <= edge)
                factors = np.asarray([1.0, *solved, edge])
                shares = np.searchsorted(solved, factors, side="right") / len(mine)
                axes.step(factors, shares, where="post", markevery=(0.0, 0.12), markersize=7, **style)
            logarithmic_axis(axes.xaxis)
            axes.set(xlim=(1.0, edge), ylim=(0.0, 1.02), xlabel=f"factor τ in {unit}")
        panels[0].set_ylabel("share of problems solved within τ")
        figure.suptitle(wrapped(title, 105), x=0.01, ha="left", fontsize=15)
        add_legend(figure, panels[0])
    return figure
