"""ξ₁ along a run: the largest factor by which the linear part of a step can increase the error."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.convergence import LinearQuadratic
from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import draw, labelled, picture, styled

TOP = 1.5
"""Where the vertical axis ends: what matters of ξ₁ is how far below 1 it is."""


def contractions(bounds: Mapping[Key, LinearQuadratic], *, title: str) -> Figure:
    r"""Draw ξ₁ at each step: the norm of the step's linear part, in the norm of the bound.

    For a step along :math:`C^{-1} \nabla f(w)` it is :math:`\|I - \eta C^{-1} \nabla^2 f(w)\|_2`; for a method with a
    moment that of the map of (Δ, M), in ‖·‖_P. Below 1 a step shrinks a small error in every direction; values above
    `TOP` leave the picture.

    Parameters
    ----------
    bounds : mapping
        From a method or label to what `linear_quadratic_bound` found.
    """
    labelled("bounds", bounds, LinearQuadratic, "linear_quadratic_bound returns one")
    ylabel = "ξ₁: above 1 an error may grow"
    with picture(title, xscale="log", xlabel="step, the first being 1", ylabel=ylabel) as (figure, axes):
        for style, found in styled(bounds):
            draw(axes, style, np.arange(1, len(found.xi1) + 1), found.xi1)
        axes.set(yscale="linear", ylim=(-0.04, TOP))
        axes.axhline(1.0, color="black", linewidth=1, zorder=0)
    return figure
