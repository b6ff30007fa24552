"""Lesson 5: how long a SOFIM step is, and the ravine it goes down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.optimizers import SGD, SOFIM, Optimizer
from sofim_ref.plots.line_styles import line_style
from sofim_ref.plots.style import look
from sofim_ref.problems import Quadratic
from sofim_ref.training.minimize import minimize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RAVINE = np.diag([1.0, 20.0])
"""The Hessian of the ravine."""


def step_curve() -> InteractiveFigure:
    """Return an interactive figure of SOFIM's step length against ‖M̂‖, and of both readings going down a ravine.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_curve,
        {
            "rho": Slider("ρ", -2.0, 3.0, 0.1, 10.0, logarithmic=True),
            "lr": Slider("η/ρ", -3.0, -0.9, 0.05, 0.05, logarithmic=True),
            "beta": Slider("β", 0.0, 0.95, 0.05, 0.5),
        },
    )


def draw_curve(*, rho: float, lr: float, beta: float) -> Figure:
    """Draw both panels; `lr` is η/ρ."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    eta = lr * rho
    methods: dict[str, Optimizer[Any]] = {
        "sofim": SOFIM(lr=eta, rho=rho, beta=beta),
        "sofim-gradient": SOFIM(lr=eta, rho=rho, beta=beta, vector="gradient"),
        "sgd": SGD(lr=lr),
    }
    problem, start = Quadratic(RAVINE, np.zeros(2)), np.asarray([4.0, 1.0])
    with look():
        figure = Figure(figsize=(12, 5))
        figure.subplots_adjust(left=0.1, right=0.98, top=0.88, bottom=0.14, wspace=0.18)
        left, right = figure.subplots(1, 2)
        s = np.geomspace(1e-2, 1e3, 200)
        left.loglog(s, eta * s / (rho + s**2), color="#D55E00", label="SOFIM (moment)")
        left.loglog(s, lr * s, color="#777777", linestyle=(0, (3, 2)), label="momentum, no rank-one term")
        left.plot(rho**0.5, eta / (2 * rho**0.5), marker="o", color="black")
        left.set(xlabel="‖M̂‖", ylabel="length of the step", ylim=(1e-5 * eta, None))
        left.set_title(f"longest at √ρ = {rho**0.5:.3g}: η/(2√ρ) = {eta / (2 * rho**0.5):.3g}", fontsize=13)
        left.minorticks_off()
        for axis in (left.xaxis, left.yaxis):  # plain numbers are drawn in half the time of powers
            axis.set_major_locator(LogLocator(numticks=6))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        left.legend(loc="lower right")
        x, y = np.meshgrid(np.linspace(-2, 5, 60), np.linspace(-1.6, 1.6, 60))
        right.contour(x, y, (x**2 + 20 * y**2) / 2, levels=12, colors="#CCCCCC", linewidths=0.8)
        ends = []
        for name, method in methods.items():
            trace = minimize(problem, method, steps=40, w0=start, store_points=True, on_interrupt="raise")
            points = np.stack(trace.points or ())
            style = line_style(name)
            right.plot(*points.T, marker="o", markersize=3, linewidth=1.4, color=style["color"], label=style["label"])
            ends.append(f"{trace['loss'][-1]:.2g}")
        right.set(xlim=(-2, 5), ylim=(-1.6, 1.6), xlabel="w₁", ylabel="w₂")
        right.set_title(f"loss after 40 steps: {', '.join(ends)}", fontsize=13)
        right.legend(loc="lower right")
    return figure
