"""What an accuracy costs each method, a panel for each problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import add_legend, draw, drawable, panels, styled

Numbers = np.ndarray[Any, Any]


def accuracy_costs(problems: Mapping[str, tuple[Numbers, Mapping[Key, Numbers]]], *, title: str, ylabel: str) -> Figure:
    """Draw each method's cost until its loss gap is a share of the gap at the start, on logarithmic axes.

    A line ends where no run of the method came to the share.

    Parameters
    ----------
    problems : mapping
        From what a problem is called to the shares, shape (K,), and a mapping from a method or label to its costs,
        shape (K,), infinite where a share was not reached; the same methods for all.
    title : str
        The message of the picture.
    ylabel : str
        The unit of costs.

    Raises
    ------
    TypeError, ValueError
        If `problems` is no mapping from labels to such pairs, or is empty.
    """
    drawable("problems", problems, tuple, "the shares, and a mapping from a label or Method to its costs")
    with panels(title, len(problems), size=(5.6, 4.6), shared="x", ylabel=ylabel) as (figure, grid):
        for axes, (name, (shares, costs)) in zip(grid, problems.items(), strict=True):
            for style, cost in styled(costs):
                known = np.isfinite(cost)
                draw(axes, style, shares[known], cost[known])
            axes.set(title=name, xlabel="share of the loss gap at the start", xscale="log")
        grid[0].invert_xaxis()
        add_legend(figure, grid[0])
    return figure
