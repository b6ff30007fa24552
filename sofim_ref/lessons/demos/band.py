"""Lesson 6: error, bound and ρ."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.convergence import linear_quadratic_bound
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.optimizers import SOFIM, Newton, Optimizer
from sofim_ref.plots.line_styles import line_style
from sofim_ref.plots.style import look
from sofim_ref.problems import LogisticRegression
from sofim_ref.training.minimize import minimize

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def band() -> InteractiveFigure:
    """Return an interactive figure of SOFIM's and Newton's errors with their bounds, for any ρ and start.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_band,
        {
            "rho": Slider("ρ", -2.0, 1.0, 0.1, 0.1, logarithmic=True),
            "stretch": Slider("η L/ρ", 0.2, 2.2, 0.1, 1.0),
            "far": Slider("distance of the start", -2.0, 1.0, 0.1, 1.0, logarithmic=True),
        },
    )


@cache
def _problem() -> tuple[LogisticRegression, Any, float, float]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2)) * [1.0, 2.0]
    problem = LogisticRegression(
        X, (X @ [1.0, -1.0] + rng.standard_normal(60) > 0).astype(int), l2=0.1, intercept=False
    )
    optimum = problem.optimum()
    spectrum = np.linalg.eigvalsh(problem.oracle(optimum).hessian())
    return problem, optimum, float(spectrum[0]), float(spectrum[-1])


def draw_band(*, rho: float, stretch: float, far: float) -> Figure:
    """Draw errors and bounds of 40 steps."""
    from matplotlib.figure import Figure

    problem, optimum, mu, L = _problem()
    lr = stretch * rho / L
    methods: dict[str, Optimizer[Any]] = {"sofim": SOFIM(lr=lr, rho=rho, beta=0.0), "newton": Newton(line_search=False)}
    w0 = optimum + far * np.asarray([0.6, 0.8])
    predicted = max(abs(1 - lr * mu / rho), abs(1 - lr * L / rho))
    with look():
        figure = Figure(figsize=(10, 5))
        figure.subplots_adjust(left=0.1, right=0.98, top=0.87, bottom=0.14)
        axes = figure.subplots()
        for name, method in methods.items():
            trace = minimize(
                problem, method, steps=40 if name == "sofim" else 8, w0=w0, store_points=True, on_interrupt="raise"
            )
            found = linear_quadratic_bound(problem, method, trace, optimum=optimum)
            steps, style = np.arange(1, len(found.error) + 1), line_style(name)
            errors = np.maximum(np.append(found.error, found.next_error[-1]), 1e-16)
            label = style["label"] + ", bound not applicable" * (found.holds is None)
            axes.semilogy(np.arange(len(errors)), errors, color=style["color"], label=label)
            axes.fill_between(
                steps, errors[1:], found.bound + found.rounding, color=style["color"], alpha=0.2, linewidth=0
            )
        axes.set(xlabel="step", ylabel="error, ‖w − w*‖", ylim=(1e-16, 1e3))
        axes.set_title(f"SOFIM's tail must shrink by {predicted:.3f} a step; the band ends at the bound")
        axes.legend(loc="upper right")
    return figure
