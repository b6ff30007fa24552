"""The picture of what C did in each step: one for the tour and the convergence study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sofim_ref import plots
from sofim_ref.optimizers import Method
from sofim_ref.reporting import Picture
from sofim_ref.studies.methods import named_values
from sofim_ref.training import Trace

CAPTION = (
    "The gradient is that of the step's own batch. The condition number needed is the least of any positive definite C "
    "that leads from that gradient to the step; where v is the gradient, the method's own C has at least that. A "
    "moment may need more, and where it leads uphill no C will do: the line breaks. Where damping has all of C's "
    "curvature along the step, the step is gradient descent's. docs/diagnostics.md defines all of them."
)


def step_picture(traces: Mapping[Method, Trace]) -> Iterator[Picture]:
    """Yield the picture of the runs with diagnostics, its title what the median step needs; nothing without any.

    Parameters
    ----------
    traces : mapping
        From a method to its run.
    """
    needed = {method: trace["condition_needed"] for method, trace in traces.items() if "condition_needed" in trace}
    medians = {m.title: float(np.median(known)) for m, x in needed.items() if (known := x[~np.isnan(x)]).size}
    if not medians:
        return
    title = named_values("Least condition number that the median step needs", medians, ".3g")
    drawn = plots.step_diagnostics(traces, title=title or "What each method's C did in each step")
    dense = [method.title for method, trace in traces.items() if "condition" in trace.reasons]
    left_out = f" Not drawn is the condition number of a C that doesn't know it: {', '.join(dense)}." * bool(dense)
    yield Picture("step-diagnostics", drawn, "What C did in each step, five columns of the runs", CAPTION + left_out)
