"""Loss above the optimum against steps: who comes down how fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sofim_ref.plots.style import draw, draw_level, look, wrapped
from sofim_ref.training.trace import Trace
from sofim_ref.training.tuning import gap

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_gap(traces: Mapping[str, Trace], optimal_loss: float, *, title: str, share: float = 0.01) -> Figure:
    """Draw the loss above the optimum against steps, on a logarithmic axis, with a line at a share of the start.

    A gap that is rounding is drawn as the rounding, eps times the loss: a line that ends level has arrived.

    Parameters
    ----------
    traces : mapping
        From a method's name in the registry to its run; all runs start at one point.
    optimal_loss : float
        The loss at the optimum.
    title : str
        The message of the picture.
    share : float
        Where the horizontal line is drawn, as a share of the gap at the start.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    with look():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        for method, trace in traces.items():
            draw(axes, method, trace["step"], gap(trace, optimal_loss))
        start = max(gap(trace, optimal_loss)[0] for trace in traces.values())
        draw_level(axes, share * start, f"{share:.0%} of the gap at the start")
        axes.set(xlabel="steps", ylabel="loss above the optimum", title=wrapped(title))
        figure.legend(loc="outside lower center", ncols=3)
    return figure
