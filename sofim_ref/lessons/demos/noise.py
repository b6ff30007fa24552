"""Lesson 4: the noise of minibatch gradients, and what averaging them does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.optimizers import SOFIM
from sofim_ref.plots.style import look
from sofim_ref.problems import LeastSquares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 300


def noise() -> InteractiveFigure:
    """Return an interactive figure of the error with batches of one example, bias corrected and not, for any β and η/ρ.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_noise,
        {
            "beta": Slider("β", 0.0, 0.98, 0.02, 0.9),
            "lr": Slider("η/ρ", -3.0, -0.3, 0.1, 0.1, logarithmic=True),
            "seed": Slider("order of the examples", 0.0, 9.0, 1.0, 0.0),
        },
    )


def regression() -> LeastSquares:
    """Return forty examples of a line, with noise: no batch agrees with the next."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 1))
    return LeastSquares(x, 1 + 2 * x[:, 0] + rng.standard_normal(40), l2=0.0)


def draw_noise(*, beta: float, lr: float, seed: float) -> Figure:
    """Draw the errors of 300 steps."""
    from matplotlib.figure import Figure

    problem, rho = regression(), 10.0
    optimum = problem.optimum()
    runs = {
        f"β = {beta:.2g}": SOFIM(lr=lr * rho, rho=rho, beta=beta),
        f"β = {beta:.2g}, bias not corrected": SOFIM(lr=lr * rho, rho=rho, beta=beta, bias_correction=False),
        "β = 0: no average": SOFIM(lr=lr * rho, rho=rho, beta=0.0),
    }
    colours = ("#D55E00", "#E69F00", "#777777")
    floors = []
    with look():
        figure = Figure(figsize=(10, 5))
        figure.subplots_adjust(left=0.1, right=0.98, top=0.87, bottom=0.14)
        axes = figure.subplots()
        for (label, sofim), colour in zip(runs.items(), colours, strict=True):
            rng = np.random.default_rng(int(seed))
            w, state, errors = problem.initial_point(1), None, []
            state = sofim.init(w)
            for _ in range(STEPS):
                w, state = sofim.step(w, state, problem.oracle(w, rng.integers(40, size=1)))
                errors.append(float(np.linalg.norm(w - optimum)))
            floors.append(float(np.mean(errors[STEPS // 2 :])))
            axes.semilogy(errors, color=colour, label=label, linewidth=1.6)
        axes.set(xlabel="step", ylabel="error, ‖w − w*‖")
        axes.set_title(f"Floor with the average {floors[0]:.2g}, without {floors[2]:.2g}")
        axes.legend(loc="upper right")
    return figure
