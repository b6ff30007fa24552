"""Lesson 4: the plane of error and moment, and the norm that falls in every step while the error comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.convergence import CompanionNorm
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.optimizers import SOFIM
from sofim_ref.plots.moment_plane import ELLIPSE, PATH, draw_plane
from sofim_ref.plots.style import look
from sofim_ref.problems import Quadratic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS, START, RHO = 50, 0.01, 1.0
"""A start so near that ‖M‖² is nothing beside ρ: each step is the linear one."""


def moment_plane() -> InteractiveFigure:
    """Return an interactive figure of SOFIM without bias correction on w²/2, in the plane of error and moment.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_moment_plane,
        {
            "beta": Slider("β", 0.05, 0.95, 0.05, 0.8),
            "step": Slider("η/ρ", -1.5, 1.5, 0.05, 2.0, logarithmic=True),
        },
    )


def path(beta: float, step: float) -> np.ndarray[Any, Any]:
    """Return the error and the moment along a run, in units of the first error, shape (STEPS + 1, 2)."""
    problem, sofim = Quadratic(np.eye(1), np.zeros(1)), SOFIM(lr=step * RHO, rho=RHO, beta=beta, bias_correction=False)
    w = np.asarray([START])
    state, points = sofim.init(w), [(START, 0.0)]
    for t in range(1, STEPS + 1):
        w, state = sofim.step(w, state, problem.oracle(w))
        points.append((float(w[0]), (1 - beta**t) * float(state.mean[0])))
    return np.asarray(points) / START


def draw_moment_plane(*, beta: float, step: float) -> Figure:
    """Draw the path over its ellipses, and beside it the error and the norm against the step."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    points, steps = path(beta, step), np.arange(STEPS + 1)
    with look():
        figure = Figure(figsize=(12, 5.2))
        figure.subplots_adjust(left=0.08, right=0.98, top=0.88, bottom=0.14, wspace=0.24)
        left, right = figure.subplots(1, 2)
        right.semilogy(steps, np.maximum(abs(points[:, 0]), 1e-12), color=PATH, linewidth=1.6, label="error, |Δ|")
        try:
            norm = CompanionNorm(np.ones(1), beta, step)
        except ValueError:  # no norm contracts a step that is too long
            left.plot(*points[:8].T, color=PATH, marker="o", markersize=5, linewidth=1.6)
            left.set_title("no ellipse is crossed inwards by every step", fontsize=13)
            right.set_title("the iteration diverges", fontsize=13)
            free = "lower right"
        else:
            draw_plane(left, norm, points)
            lengths = norm.norm(points[:, :1], points[:, 1:])
            right.semilogy(steps, lengths, color=ELLIPSE, label="‖(Δ, M)‖_P")
            bound = lengths[0] * norm.gamma**steps
            right.semilogy(steps, bound, color=ELLIPSE, linewidth=1, linestyle=(0, (2, 2)), label="its bound")
            left.set_title("each step ends inside the ellipse it starts on", fontsize=13)
            rates = f"a factor {norm.gamma:.3f} at most in any step, {norm.spectral_radius:.3f} in the long run"
            right.set_title(rates, fontsize=13)
            free = "upper right"
        left.set(xlabel="error, Δ = w − w*", ylabel="moment, M, without bias correction")
        right.set(xlabel="step", ylabel="in units of the first error", ylim=(1e-4, 1e2))
        right.minorticks_off()
        right.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # drawn in half the time of powers
        right.legend(loc=free)
    return figure
