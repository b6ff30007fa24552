"""Lesson 1: one step in two parametrizations, measured in the metric of the Fisher matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.plots.style import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLE = np.asarray([-1.0, 0.0, 1.0, 2.0, 3.0])
"""What the Gaussian is fitted to: mean 1, standard deviation √2."""


def ruler() -> InteractiveFigure:
    """Return an interactive figure of a step of gradient descent and of natural gradient, in (μ, s) and in (μ, log s).

    The sample is fitted by a Gaussian with mean μ and standard deviation s. A plain step lands elsewhere when s is
    replaced by log s; a small natural step doesn't. Rings are the Gaussians within the same KL divergence of the start.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_ruler,
        {
            "mean": Slider("start, μ", -2.0, 3.0, 0.25, -1.0),
            "log_s": Slider("start, log s", -1.0, 1.5, 0.125, 1.0),
            "step": Slider("step size", 0.02, 1.0, 0.02, 0.3),
        },
    )


def draw_ruler(*, mean: float, log_s: float, step: float) -> Figure:
    """Draw both panels."""
    from matplotlib.figure import Figure

    s = float(np.exp(log_s))
    ends = landed(mean, s, step)
    with look():
        figure = Figure(figsize=(11, 5))
        figure.subplots_adjust(left=0.07, right=0.98, top=0.87, bottom=0.3, wspace=0.2)
        left, right = figure.subplots(1, 2)
        for axes, coordinate, name in ((left, lambda s: s, "s"), (right, np.log, "log s")):
            _ring(axes, mean, s, coordinate)
            for label, (m, t) in ends.items():
                colour, dashes = LOOKS[label]
                axes.plot(
                    [mean, m], [coordinate(s), coordinate(t)], color=colour, linestyle=dashes, marker="o", label=label
                )
            axes.plot(
                SAMPLE.mean(), coordinate(SAMPLE.std()), marker="*", markersize=16, color="black", linestyle="none"
            )
            axes.set(xlabel="μ", ylabel=name, xlim=(mean - 1.7 * s, mean + 1.7 * s))
            axes.set_ylim(coordinate(s * 0.35), coordinate(s * 2.2))
        distance = divergence(ends["gradient in (μ, s)"], ends["gradient in (μ, log s)"])
        natural = divergence(ends["natural gradient in (μ, s)"], ends["natural gradient in (μ, log s)"])
        figure.suptitle(
            f"Gradient steps end {distance:.2g} apart in KL, natural ones {natural:.2g}", fontsize=15, x=0.01, ha="left"
        )
        figure.legend(*left.get_legend_handles_labels(), loc="lower center", ncols=2)
    return figure


LOOKS = {
    "gradient in (μ, s)": ("#777777", "-"),
    "gradient in (μ, log s)": ("#777777", (0, (2, 2))),
    "natural gradient in (μ, s)": ("#D55E00", "-"),
    "natural gradient in (μ, log s)": ("#0072B2", (0, (2, 2))),
}


def landed(mean: float, s: float, step: float) -> dict[str, tuple[float, float]]:
    """Return where each kind of step ends, as (μ, s)."""
    error = mean - SAMPLE
    g_mean, g_s = float(np.mean(error)) / s**2, 1 / s - float(np.mean(error**2)) / s**3
    g_log = s * g_s  # the chain rule
    tiny = 0.05
    return {
        "gradient in (μ, s)": (mean - step * g_mean, max(tiny, s - step * g_s)),
        "gradient in (μ, log s)": (mean - step * g_mean, s * float(np.exp(np.clip(-step * g_log, -4, 4)))),
        "natural gradient in (μ, s)": (mean - step * s**2 * g_mean, max(tiny, s - step * s**2 / 2 * g_s)),
        "natural gradient in (μ, log s)": (
            mean - step * s**2 * g_mean,
            s * float(np.exp(np.clip(-step * g_log / 2, -4, 4))),
        ),
    }


def divergence(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return KL(one ‖ other) of two Gaussians, each (μ, s)."""
    (mean, s), (other_mean, other_s) = one, other
    return float(np.log(other_s / s) + (s**2 + (mean - other_mean) ** 2) / (2 * other_s**2) - 0.5)


def _ring(axes: Any, mean: float, s: float, coordinate: Any) -> None:
    means, widths = np.meshgrid(np.linspace(mean - 3 * s, mean + 3 * s, 80), s * np.geomspace(0.3, 3, 80))
    kl = np.log(widths / s) + (s**2 + (mean - means) ** 2) / (2 * widths**2) - 0.5
    axes.contour(means, coordinate(widths), kl, levels=[0.02, 0.1, 0.3], colors="#AAAAAA", linewidths=1)
