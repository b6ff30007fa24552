"""Length of each step: SOFIM's built-in clipping beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sofim_ref.plots.style import draw, draw_level, look, wrapped
from sofim_ref.training.trace import Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def step_norms(traces: Mapping[str, Trace], *, title: str, bound: float | None = None) -> Figure:
    r"""Draw the Euclidean length of each step against its number, on a logarithmic axis.

    Parameters
    ----------
    traces : mapping
        From a method's name in the registry to its run.
    title : str
        The message of the picture.
    bound : float, optional
        Where a horizontal line is drawn: SOFIM's longest possible step, :math:`\eta / (2 \sqrt\rho)`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    with look():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        for method, trace in traces.items():
            draw(axes, method, trace["step"][1:], trace["step_norm"][1:])
        if bound is not None:
            draw_level(axes, bound, "η / (2√ρ), the longest step of SOFIM (moment)")
        axes.set(xlabel="step", ylabel="length of the step, ‖w⁺ − w‖", title=wrapped(title))
        figure.legend(loc="outside lower center", ncols=3)
    return figure
