"""Lesson 11: expectation maximization climbs by natural-gradient steps, the shorter the more information is missing."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.plots.style import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS, COLOUR = 60, "#0072B2"
GRID = np.linspace(0.005, 0.995, 100)


def mixture() -> InteractiveFigure:
    """Return an interactive figure of the weight of a mixture of two normal distributions, fitted from ½.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_mixture,
        {
            "distance": Slider("distance of the components", 0.5, 4.0, 0.25, 1.0),
            "lr": Slider("η; at 1 it is expectation maximization", 0.5, 3.0, 0.25, 1.0),
        },
    )


def draw_mixture(*, distance: float, lr: float) -> Figure:
    """Draw the log-likelihood with the steps on it, and the error against the step with the rate that is predicted."""
    from matplotlib.figure import Figure

    densities = _densities(distance)
    optimum, missing = _optimum(distance)
    weights = [0.5]
    for _ in range(STEPS):
        weights.append(float(np.clip(weights[-1] + lr * (_responsible(weights[-1], densities) - weights[-1]), 0, 1)))
    errors = np.maximum(np.abs(np.asarray(weights) - optimum), 1e-12)
    rate = abs(1 - lr * (1 - missing))
    with look():
        figure = Figure(figsize=(12, 5))
        figure.subplots_adjust(left=0.08, right=0.98, top=0.87, bottom=0.14, wspace=0.25)
        left, right = figure.subplots(1, 2)
        top = _likelihood(np.asarray([optimum]), densities)
        left.plot(GRID, _curve(distance) - top, color="#777777")
        shown = np.clip(weights[:12], 0.005, 0.995)
        left.plot(shown, _likelihood(shown, densities) - top, color=COLOUR, marker="o")
        left.set(xlim=(0, 1), ylim=(-1.0, 0.05), xlabel="π", ylabel="log-likelihood − maximum")
        left.set_title(f"{100 * missing:.0f} % of the information is missing", fontsize=14)
        right.plot(np.log10(errors), color=COLOUR, marker="o", markersize=4, label="error of π")
        line = np.log10(errors[0]) + np.log10(max(rate, 1e-3)) * np.arange(STEPS + 1)
        right.plot(line, color="black", linestyle=(0, (4, 2)), label="its predicted rate")
        right.set(xlim=(0, STEPS), ylim=(-10, 2.5), xlabel="step", ylabel="log₁₀ of the error")
        right.set_title(f"predicted: times {rate:.2f} in each step", fontsize=14)
        right.legend(loc="upper right")
    return figure


@cache
def _densities(distance: float) -> Any:
    """Return both densities, up to a common factor, at 2,000 points of which 30 % are of the first component."""
    rng = np.random.default_rng(0)
    first = rng.random(2000) < 0.3
    x = rng.standard_normal(2000) + np.where(first, distance, 0.0)
    return np.exp(-((x - distance) ** 2) / 2), np.exp(-(x**2) / 2)


@cache
def _optimum(distance: float) -> tuple[float, float]:
    """Return the best weight, and the share of missing information there."""
    low, high = 0.0, 1.0
    for _ in range(50):
        pi = (low + high) / 2
        low, high = (pi, high) if _responsible(pi, _densities(distance)) > pi else (low, pi)
    a, b = _densities(distance)
    r = pi * a / (pi * a + (1 - pi) * b)
    return pi, float(1 - np.mean((r - pi) ** 2) / (pi * (1 - pi)))


@cache
def _curve(distance: float) -> Any:
    return _likelihood(GRID, _densities(distance))


def _responsible(pi: float, densities: Any) -> float:
    a, b = densities
    return float(np.mean(pi * a / (pi * a + (1 - pi) * b)))


def _likelihood(pi: Any, densities: Any) -> Any:
    a, b = densities
    return np.mean(np.log(pi[:, None] * a + (1 - pi[:, None]) * b), axis=1)
