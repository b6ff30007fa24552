"""Length of each step, with the length that no step of SOFIM can exceed."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from sofim_ref.arrays.validation import positive
from sofim_ref.plots.line_styles import Key, line_styles, title_of
from sofim_ref.plots.style import cut, draw, draw_level, labelled, picture, styled
from sofim_ref.training.trace import Trace


def step_norms(traces: Mapping[Key, Trace], *, title: str, limits: Mapping[Key, float] | None = None) -> Figure:
    r"""Draw the Euclidean length of each step against its number, on a logarithmic axis.

    Parameters
    ----------
    traces : mapping
        From a method or label to its run.
    limits : mapping, optional
        From a method or label among them to the height of a horizontal line: SOFIM's longest possible step,
        :math:`\eta / (2 \sqrt\rho)`.

    Raises
    ------
    TypeError, ValueError
        If `traces` is no mapping to traces, or `limits` none from labels among them to numbers > 0.
    """
    labelled("traces", traces, Trace, "minimize returns one")
    labelled("limits", limits or {})
    for key, limit in (limits or {}).items():
        if key not in traces:
            msg = f"limits must be of methods or labels among traces, got one of {title_of(key)!r}."
            raise ValueError(msg)
        positive(f"limits[{title_of(key)!r}]", limit)
    with picture(title, xlabel="step", ylabel="length of the step, ‖w⁺ − w‖") as (figure, axes):
        for style, trace in styled(traces):
            draw(axes, style, trace["step"][1:], trace["step_norm"][1:])
        cut(axes, max((trace["step_norm"][1:2].max(initial=0.0) for trace in traces.values()), default=0.0))
        for key, limit in (limits or {}).items():
            label = f"η / (2√ρ), the longest step of {title_of(key)}"
            draw_level(axes, limit, label, line_styles(traces)[key]["color"])
    return figure
