"""Lesson 4: what averaging does to a run whose gradients are noisy, and what it doesn't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.plots.style import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 400


def noise() -> InteractiveFigure:
    """Return an interactive figure of the error on w²/2 with noise of variance 1 in each gradient, averaged and not.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_noise,
        {
            "beta": Slider("β", 0.05, 0.95, 0.05, 0.9),
            "step": Slider("step a", -1.7, -0.3, 0.1, 0.1, logarithmic=True),
            "seed": Slider("which noise", 0.0, 9.0, 1.0, 0.0),
        },
    )


def path(beta: float, step: float, drawn: np.ndarray[Any, Any]) -> list[float]:
    """Return the errors of a run from the optimum, w ← w − aM, with the noise given."""
    errors, M = [0.0], 0.0
    for noise in drawn:
        M = beta * M + (1 - beta) * (errors[-1] + noise)
        errors.append(errors[-1] - step * M)
    return errors


def floor(beta: float, step: float) -> float:
    """Return the root mean square of the error in the long run."""
    return float((step * (1 + beta) / (2 * (1 + beta) - step * (1 - beta))) ** 0.5)


def draw_noise(*, beta: float, step: float, seed: float) -> Figure:
    """Draw both paths over the bands of their root mean squares."""
    from matplotlib.figure import Figure

    drawn = np.random.default_rng(int(seed)).standard_normal(STEPS)
    with look():
        figure = Figure(figsize=(10, 5))
        figure.subplots_adjust(left=0.1, right=0.98, top=0.87, bottom=0.14)
        axes = figure.subplots()
        for weight, colour, words in ((0.0, "#777777", "β = 0, no average"), (beta, "#D55E00", f"β = {beta:.2f}")):
            size = floor(weight, step)
            axes.plot(
                path(weight, step, drawn), color=colour, linewidth=1.4, label=f"{words}: root mean square {size:.3f}"
            )
            for sign in (-1, 1):
                axes.axhline(sign * size, color=colour, linewidth=1.2, linestyle=(0, (5, 3)))
        axes.set(xlim=(0, STEPS), ylim=(-2.2, 3.2), xlabel="step", ylabel="error, w − w*")
        axes.set_title("A smaller step lowers the floor; averaging mostly makes the path smoother")
        axes.legend(loc="upper right")
    return figure
