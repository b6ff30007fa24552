"""How far approximations are from what they stand for, by two distances at once."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import drawable, picture, styled


def two_distances(distances: Mapping[Key, tuple[float, float]], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """Draw each approximation as a point, its name beside it, one distance across and the other, logarithmic, up.

    Parameters
    ----------
    distances : mapping
        From what an approximation is called, or a method, to its two distances, the second one > 0.
    title : str
        The message of the picture.
    xlabel, ylabel : str
        What the distances are.

    Raises
    ------
    TypeError, ValueError
        If `distances` is no mapping from labels to pairs, or is empty.
    """
    drawable("distances", distances, tuple, "two numbers")
    with picture(title, size=(9, 6), xlabel=xlabel, ylabel=ylabel) as (figure, axes):
        for style, (across, up) in styled(distances):
            axes.plot([across], [up], marker=style["marker"], color=style["color"], markersize=13, linestyle="none")
            axes.annotate(style["label"], (across, up), (11, 6), textcoords="offset points", fontsize=14)
        axes.margins(0.16)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(ScalarFormatter())
    return figure
