"""Lesson 3: what C⁻¹ does to a vector parallel to m, orthogonal to it, and between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.matrices import RankOne
from sofim_ref.plots.style import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def one_division() -> InteractiveFigure:
    """Return an interactive figure of v and (ρI + mmᵀ)⁻¹v with ρ = 1; sliders set their angle and ‖m‖²/ρ.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_division,
        {
            "degrees": Slider("angle between m and v", 0.0, 180.0, 5.0, 40.0),
            "ratio": Slider("‖m‖²/ρ", -1.0, 2.0, 0.1, 3.0, logarithmic=True),
        },
    )


def draw_division(*, degrees: float, ratio: float) -> Figure:
    """Draw m, v and C⁻¹v, with the unit circle and its image under C⁻¹, an ellipse."""
    from matplotlib.figure import Figure

    m = np.asarray([ratio**0.5, 0.0])
    angle = np.deg2rad(degrees)
    v = np.asarray([np.cos(angle), np.sin(angle)])
    C = RankOne(1.0, m)
    x = C.solve(v)
    with look():
        figure = Figure(figsize=(8, 5.5))
        figure.subplots_adjust(left=0.1, right=0.98, top=0.88, bottom=0.13)
        axes = figure.subplots()
        turn = np.linspace(0, 2 * np.pi, 120)
        circle = np.stack([np.cos(turn), np.sin(turn)])
        axes.plot(*circle, color="#BBBBBB", linewidth=1, label="all v of length 1")
        axes.plot(*C.solve(circle), color="#D55E00", linewidth=1, linestyle=(0, (3, 2)), label="their C⁻¹v")
        for vector, colour, name in ((v, "#777777", "v"), (x, "#D55E00", "C⁻¹v"), (m / ratio**0.5, "#0072B2", "m/‖m‖")):
            axes.annotate(
                "", (vector[0], vector[1]), (0, 0), arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 2.5}
            )
            axes.annotate(name, (1.07 * vector[0], 1.07 * vector[1]), color=colour, fontsize=14, ha="center")
        axes.set(xlim=(-1.4, 1.4), ylim=(-1.25, 1.25), aspect="equal", xlabel="along m", ylabel="across m")
        axes.set_title(f"C⁻¹ keeps all of v across m, and {1 / (1 + ratio):.1%} of it along m")
        axes.legend(loc="lower right")
    return figure
