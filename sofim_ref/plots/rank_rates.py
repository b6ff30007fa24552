"""The rate of the last steps against the rank of C, a column of panels for each spectrum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.convergence.experiments.rank_k import RankK
from sofim_ref.plots.style import add_legend, draw, drawable, panels, styled


def rank_rates(spectra: Mapping[str, RankK], *, title: str) -> Figure:
    """Draw the steps that a decimal digit takes, and below them ξ₁, against the rank k on a logarithmic axis.

    Parameters
    ----------
    spectra : mapping
        From what a spectrum is called to what `convergence.experiments.rank_k` found; its rank 0 is drawn at ½.
    title : str
        The message of the picture.

    Raises
    ------
    TypeError, ValueError
        If `spectra` is no mapping from labels to such, or is empty.
    """
    drawable("spectra", spectra, RankK, "rank_k returns one")
    with panels(title, 2 * len(spectra), size=(4.4, 3.4)) as (figure, grid):
        for i, (name, found) in enumerate(spectra.items()):
            upper, lower = grid[i], grid[len(spectra) + i]
            x = np.maximum(found.ranks, 0.5)
            lines = {"k examples' gradients": found.rates, "the best k directions": found.best}
            for style, rates in styled(lines):
                with np.errstate(divide="ignore"):
                    draw(upper, style, x, np.maximum(-1 / np.log10(rates), 1.0))  # a rate of 0 takes one step
            for style, norms in styled({**lines, "k examples' gradients": found.xi1}):
                draw(lower, style, x, norms)
            lower.axhline(1, color="black", linewidth=1, zorder=0)
            ticks = {"xscale": "log", "xticks": x[::2], "xticklabels": found.ranks[::2]}
            upper.set(title=name, ylabel="" if i else "steps for a digit", **ticks)
            lower.set(xlabel="rank k", ylabel="" if i else "ξ₁", yscale="linear", **ticks)
            for axes in (upper, lower):
                axes.tick_params(axis="x", which="minor", bottom=False)
        add_legend(figure, grid[0])
    return figure
