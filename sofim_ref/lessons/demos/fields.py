"""Lesson 2: the steps that three matrices make of one gradient, on Kunstner, Balles and Hennig's regression."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref import curvature
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.plots.style import look
from sofim_ref.problems import LeastSquares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"gradient": "#777777", "natural gradient": "#000000", "empirical": "#D55E00"}


def fields() -> InteractiveFigure:
    """Return an interactive figure of three methods' steps, as vector fields, on a linear regression.

    Source: Kunstner, Balles & Hennig 2019, arXiv 1905.12558, Figure 1, whose data are drawn again here.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_fields,
        {
            "b": Slider("point, b", -1.0, 5.0, 0.25, 2.0),
            "theta": Slider("point, θ", -1.0, 5.0, 0.25, 4.5),
            "sigma": Slider("noise of the data, σ", -1.0, 0.5, 0.05, 1.0, logarithmic=True),
        },
    )


@cache
def regression(sigma: float = 1.0) -> LeastSquares:
    """Return the figure's regression: N = 1000, one input drawn from a lognormal distribution, y = 2 + 2x + σ noise."""
    rng = np.random.RandomState(0)  # the figure's generator
    x = rng.lognormal(0, 0.75, 1000)
    y = 2 + 2 * x + sigma * rng.standard_normal(1000)
    return LeastSquares(np.stack([np.ones(1000), x], axis=1), y, intercept=False)


@cache
def directions(b: float, theta: float, sigma: float = 1.0) -> dict[str, Any]:
    """Return each method's direction at (b, θ)."""
    oracle = regression(sigma).oracle(np.asarray([b, theta]))
    g = oracle.gradient()
    return {
        "gradient": -g,
        "natural gradient": -curvature.fisher(oracle, damping=1e-8).solve(g),
        "empirical": -curvature.empirical_fisher(oracle, damping=1e-8).solve(g),
    }


def draw_fields(*, b: float, theta: float, sigma: float) -> Figure:
    """Draw three fields of steps, each arrow as long as its step, and the cosine at the point."""
    from matplotlib.figure import Figure

    grid = np.linspace(-1, 5, 9)
    here = directions(b, theta, sigma)
    problem = regression(sigma)
    optimum = problem.optimum()
    at_optimum = problem.oracle(optimum)
    share = np.trace(curvature.empirical_fisher(at_optimum).to_dense()) / np.trace(
        curvature.fisher(at_optimum).to_dense()
    )
    lengths = {"gradient": 1 / np.linalg.eigvalsh(at_optimum.hessian())[-1]}
    titles = {
        "gradient": "gradient, η = 1/L",
        "natural gradient": "natural gradient, η = 1",
        "empirical": "empirical, η = 1",
    }
    one, other = here["natural gradient"], here["empirical"]
    cosine = float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    with look():
        figure = Figure(figsize=(12, 4.8))
        figure.subplots_adjust(left=0.06, right=0.98, top=0.81, bottom=0.14, wspace=0.08)
        for axes, name in zip(figure.subplots(1, 3, sharey=True), COLOURS, strict=True):
            eta = lengths.get(name, 1.0)
            steps = eta * np.asarray([[directions(float(x), float(y), sigma)[name] for x in grid] for y in grid])
            whole = {"color": COLOURS[name], "angles": "xy", "scale_units": "xy", "scale": 1}
            axes.quiver(grid, grid, steps[..., 0], steps[..., 1], alpha=0.5, width=0.004, **whole)
            axes.quiver(b, theta, *(eta * here[name]), width=0.012, **whole)
            axes.plot(b, theta, marker="o", markersize=5, color=COLOURS[name])
            axes.plot(*optimum, marker="*", markersize=14, color="black", linestyle="none")
            axes.set(xlabel="b", xlim=(-1.4, 5.4), ylim=(-1.4, 5.4))
            axes.set_title(titles[name], fontsize=13, pad=6)
        figure.axes[0].set_ylabel("θ")
        figure.suptitle(
            f"Cosine of empirical and natural direction: {cosine:+.2f}; at the optimum tr F̂/tr F = {share:.2g}",
            fontsize=15, x=0.01, ha="left",
        )  # fmt: skip
    return figure
