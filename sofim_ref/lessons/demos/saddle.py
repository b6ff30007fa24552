"""Lesson 10: which paths end at a saddle, and what damping makes of it."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.arrays.factorizations import SingularMatrixError
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.optimizers import SGD, Newton, Optimizer, TrustRegionNewton
from sofim_ref.plots.style import look
from sofim_ref.problems import Function

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 30


def saddle() -> InteractiveFigure:
    """Return an interactive figure of three methods on x⁴/4 − x²/2 + y²/2, which has a saddle between two minima.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_saddle,
        {
            "x": Slider("start, x", -1.3, 1.3, 0.05, 0.3),
            "damping": Slider("Newton's damping λ", 0.0, 2.0, 0.1, 0.0),
        },
    )


def two_wells() -> Function:
    """Return x⁴/4 − x²/2 + y²/2, whose minima are (±1, 0) and whose saddle is (0, 0)."""
    return Function(
        2,
        lambda w: w[0] ** 4 / 4 - w[0] ** 2 / 2 + w[1] ** 2 / 2,
        lambda w: np.asarray([w[0] ** 3 - w[0], w[1]]),
        hessian=lambda w: np.asarray([[3 * w[0] ** 2 - 1, 0.0], [0.0, 1.0]]),
    )


@lru_cache(maxsize=64)
def points(optimizer: Optimizer[Any], x: float, y: float) -> Any:
    """Return the points of a run, the start first; it rests where the gradient vanishes or there is no step."""
    problem = two_wells()
    w = np.asarray([x, y])
    path, state = [w], optimizer.init(w)
    for _ in range(STEPS):
        oracle = problem.oracle(w)
        with suppress(SingularMatrixError):  # on the ridge x = 0 with λ = 1
            if np.linalg.norm(oracle.gradient()) > 1e-14:
                w, state = optimizer.step(w, state, oracle)
        path.append(w)
    return np.stack(path)


def draw_saddle(*, x: float, damping: float) -> Figure:
    """Draw three paths over the loss, and the horizontal coordinate of each against the step."""
    from matplotlib.figure import Figure

    runs = {
        "gradient descent, η = 0.1": ("#777777", points(SGD(lr=0.1), x, 0.5)),
        "damped Newton": ("#D55E00", points(Newton(damping=damping, line_search=False), x, 0.5)),
        "trust region": ("#0072B2", points(TrustRegionNewton(), x, 0.5)),
    }
    across, along = np.meshgrid(np.linspace(-2.2, 2.2, 111), np.linspace(-0.9, 0.9, 46))
    with look():
        figure = Figure(figsize=(12, 5))
        figure.subplots_adjust(left=0.08, right=0.98, top=0.88, bottom=0.14, wspace=0.18)
        left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
        height = across**4 / 4 - across**2 / 2 + along**2 / 2
        left.contour(across, along, height, levels=np.linspace(-0.25, 0.4, 14), colors="#BBBBBB", linewidths=0.8)
        for (name, (colour, path)), width in zip(runs.items(), (1.8, 1.8, 6), strict=True):  # one path may hide another
            left.plot(*path.T, color=colour, marker="o", markersize=2 + width, linewidth=width, zorder=4 - width / 6)
            right.plot(path[:, 0], color=colour, label=name, linewidth=width, zorder=4 - width / 6)
        left.plot(0, 0, marker="x", color="black", markersize=10)
        left.plot([-1, 1], [0, 0], marker="*", color="black", markersize=10, linestyle="none")
        left.set(xlim=(-2.2, 2.2), ylim=(-0.9, 0.9), xlabel="x", ylabel="y", aspect="equal")
        left.set_title(f"Newton with λ = {damping:.2g} {_end(runs['damped Newton'][1][-1])}", fontsize=14)
        right.set(xlim=(0, STEPS), ylim=(-2.2, 3.2), xlabel="step", ylabel="x", yticks=(-1, 0, 1))
        right.set_title("the same paths, x alone", fontsize=14)
        right.legend(loc="upper right", ncols=1)
    return figure


def _end(w: Any) -> str:
    if abs(w[0]) < 1e-3 < abs(w[1]):
        return "stops: H + λI is singular"
    if abs(w[0]) < 1e-3:
        return "ends at the saddle, ×"
    if abs(abs(w[0]) - 1) < 0.05:
        return "finds a minimum, ★"
    return "is still on its way"
