"""Losses against epochs."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import cut, draw, labelled, picture, styled
from sofim_ref.training.trace import Trace


def losses(traces: Mapping[Key, Trace], *, title: str) -> Figure:
    """Draw the loss itself against epochs, on a logarithmic axis: for losses whose optimum isn't known.

    The line of a run that failed ends at its last finite point, and its label says so. Losses that aren't positive, a
    negative log-density's say, have no place on the axis: `loss_gap` draws those above an optimum.

    Parameters
    ----------
    traces : mapping
        From a method or label to its run.
    title : str

    Raises
    ------
    TypeError
        If `traces` is no mapping from labels to traces.
    """
    labelled("traces", traces, Trace, "minimize returns one")
    with picture(title, xlabel="epochs", ylabel="loss") as (figure, axes):
        for style, trace in styled(traces):
            draw(axes, style, trace["epoch"], trace["loss"])
        cut(axes, max((trace["loss"][0] for trace in traces.values()), default=1.0))
    return figure
