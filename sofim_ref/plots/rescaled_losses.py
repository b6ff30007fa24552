"""The steps that rules for ρ need, against the number by which the loss is multiplied."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.convergence.experiments.adaptive_rho import AdaptiveRho
from sofim_ref.plots.style import add_legend, draw, drawable, panels, styled

TICKS = (50, 100, 200, 400)
"""The steps that are written at the vertical axes, from the lowest to the usual budget."""


def rescaled_losses(problems: Mapping[str, AdaptiveRho], *, title: str) -> Figure:
    """Draw each rule's steps to the accuracy asked for on a logarithmic axis of the loss's scale.

    A line ends where the budget didn't suffice; the legend says of which rule it never did.

    Parameters
    ----------
    problems : mapping
        From what a problem is called to what `convergence.experiments.adaptive_rho` found.
    title : str
        The message of the picture.

    Raises
    ------
    TypeError, ValueError
        If `problems` is no mapping from labels to such, or is empty.
    """
    drawable("problems", problems, AdaptiveRho, "adaptive_rho returns one")
    with panels(title, len(problems), size=(6.4, 4.6)) as (figure, grid):
        for i, (axes, (name, found)) in enumerate(zip(grid, problems.items(), strict=True)):
            for style, steps in styled(found.steps):
                known = np.isfinite(steps)
                draw(
                    axes,
                    {**style, "label": f"{style['label']}{_never(style['label'], problems)}", "marker": "o"},
                    found.scales[known],
                    steps[known],
                )
            axes.set(title=name, xlabel="what the loss is multiplied by", xscale="log", ylabel="" if i else "steps")
            axes.set(yticks=TICKS, yticklabels=TICKS, ylim=(0.8 * TICKS[0], 1.1 * TICKS[-1]))
            axes.tick_params(axis="y", which="minor", left=False, labelleft=False)
        add_legend(figure, grid[0])
    return figure


def _never(rule: str, problems: Mapping[str, AdaptiveRho]) -> str:
    return "" if any(np.isfinite(found.steps[rule]).any() for found in problems.values()) else " (never arrives)"
