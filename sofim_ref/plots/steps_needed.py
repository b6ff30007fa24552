"""The steps that each method needs, a panel for each loss."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.plots.style import drawable, panels


def steps_needed(losses: Mapping[str, Mapping[str, float]], *, budget: int, title: str) -> Figure:
    """Draw a bar for each method's steps on a logarithmic axis; one that didn't get there ends hatched at the budget.

    Parameters
    ----------
    losses : mapping
        From what a loss is called to a mapping from a method's label to its steps, infinite where it needs more than
        the budget; the same methods for all.
    budget : int
        The number of steps after which a run ended.
    title : str
        The message of the picture.

    Raises
    ------
    TypeError, ValueError
        If `losses` is no mapping from labels to mappings, or is empty.
    """
    drawable("losses", losses, Mapping, "a label to its steps")
    with panels(title, len(losses), size=(4.2, 4.4), shared="xy") as (figure, grid):
        for axes, (name, steps) in zip(grid, losses.items(), strict=True):
            found = np.asarray(list(steps.values()))
            reached = np.isfinite(found)
            colours = np.where(reached, "#0072B2", "#DDDDDD")
            bars = axes.barh(list(steps), np.where(reached, found, budget), color=colours.tolist())
            for bar, yes in zip(bars, reached, strict=True):
                if not yes:
                    bar.set(hatch="//", edgecolor="#888888")
            axes.set(title=name, xscale="log", xlim=(1, budget), xlabel=f"steps; hatched: more than {budget}")
        grid[0].invert_yaxis()
    return figure
