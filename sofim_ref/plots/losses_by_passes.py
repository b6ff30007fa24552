"""Losses against passes over the data, a panel for each problem."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import add_legend, draw, drawable, labelled, panels, styled
from sofim_ref.training.trace import Trace


def losses_by_passes(problems: Mapping[str, Mapping[Key, Trace]], *, title: str) -> Figure:
    """Draw the loss of each run against the gradients of all examples that it cost, on a logarithmic axis.

    Parameters
    ----------
    problems : mapping
        From what a problem is called to a mapping from a method or label to its run; the same methods for all.
    title : str
        The message of the picture.

    Raises
    ------
    TypeError, ValueError
        If `problems` is no mapping from labels to mappings of traces, or is empty.
    """
    drawable("problems", problems, Mapping, "a label or Method to its trace")
    for name, traces in problems.items():
        labelled(f"problems[{name!r}]", traces, Trace, "minimize returns one")
    with panels(title, len(problems), size=(5.6, 4.6), ylabel="loss") as (figure, grid):
        for axes, (name, traces) in zip(grid, problems.items(), strict=True):
            for style, trace in styled(traces):
                draw(axes, style, trace["gradient_evaluations"], trace["loss"])
            axes.set(title=name, xlabel="passes over the data, in gradients")
        add_legend(figure, grid[0])
    return figure
