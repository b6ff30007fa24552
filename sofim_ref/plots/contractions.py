"""ξ₁ along a run: by how much the linear part of a step can stretch the error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sofim_ref.convergence import LinearQuadratic
from sofim_ref.plots.style import draw, draw_level, look, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def contractions(bounds: Mapping[str, LinearQuadratic], *, title: str) -> Figure:
    r"""Draw :math:`\xi_1 = \|I - \eta C^{-1} \nabla^2 f(w)\|_2` at each step, on logarithmic axes.

    Below 1 a step shrinks a small error in every direction. ξ₁ says what C and the Hessian have to do with each other,
    so it is drawn for methods with momentum too, which it doesn't bound. What is rounding, below 1e-15, is drawn there.

    Parameters
    ----------
    bounds : mapping
        From a method's name in the registry to what `linear_quadratic_bound` found.
    title : str
        The message of the picture.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    with look():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        for method, found in bounds.items():
            draw(axes, method, np.arange(1, len(found.xi1) + 1), np.maximum(found.xi1, 1e-15))
        axes.set_xscale("log")
        draw_level(axes, 1.0, "1: above it an error may grow")
        axes.set(xlabel="step, the first being 1", ylabel="ξ₁", title=wrapped(title))
        figure.legend(loc="outside lower center", ncols=3)
    return figure
