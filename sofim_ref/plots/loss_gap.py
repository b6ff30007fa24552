"""Loss above the optimum against steps."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import cut, draw, draw_level, labelled, picture, styled
from sofim_ref.training.trace import Trace
from sofim_ref.training.tuning import gap


def loss_gap(traces: Mapping[Key, Trace], optimal_loss: float, *, title: str, share: float = 0.01) -> Figure:
    """Draw the loss above the optimum against steps, on a logarithmic axis, with a line at a share of the start.

    A gap that is rounding is drawn as that rounding, eps times the loss: a line that ends level has converged. The line
    of a run that failed ends at its last finite point, and its label says so.

    Parameters
    ----------
    traces : mapping
        From a method or label to its run; all runs start at one point.
    optimal_loss : float
        The loss at the optimum.
    share : float
        Where the horizontal line is drawn, as a share of the gap at the start.
    """
    labelled("traces", traces, Trace, "minimize returns one")
    with picture(title, xlabel="steps", ylabel="loss above the optimum") as (figure, axes):
        for style, trace in styled(traces):
            draw(axes, style, trace["step"], gap(trace, optimal_loss))
        start = max((gap(trace, optimal_loss)[0] for trace in traces.values()), default=1.0)
        cut(axes, start)
        draw_level(axes, share * start, f"{share:.0%} of the gap at the start")
    return figure
