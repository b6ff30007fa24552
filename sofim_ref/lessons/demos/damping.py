"""Lesson 8: a damped Newton step is the step to a ring, and a ratio says whether the ring was too wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.plots.style import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALE = np.asarray([1.0, 2.0])
DAMPINGS = np.geomspace(1e-2, 1e2, 121)
TURN = np.linspace(0.0, 2 * np.pi, 121)


def damping() -> InteractiveFigure:
    """Return an interactive figure of Newton's step with damping on √(1 + w₁²) + √(1 + 4w₂²), and of its ratio.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_damping,
        {
            "damping": Slider("λ", -2.0, 2.0, 0.1, 0.3, logarithmic=True),
            "far": Slider("start at this multiple of (2, 1)", 0.2, 1.0, 0.1, 1.0),
        },
    )


def draw_damping(*, damping: float, far: float) -> Figure:
    """Draw the steps of all λ with the ring of one, and the ratio of the loss's fall to the predicted one."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    w = far * np.asarray([2.0, 1.0])
    steps, ratios = _steps(w, DAMPINGS)
    (u,), (ratio,) = _steps(w, np.asarray([damping]))
    ring = np.linalg.norm(u)
    with look():
        figure = Figure(figsize=(12, 5))
        figure.subplots_adjust(left=0.06, right=0.98, top=0.86, bottom=0.14, wspace=0.2)
        left, right = figure.subplots(1, 2, width_ratios=[1.35, 1])
        x, y = np.meshgrid(np.linspace(-9, 5, 42), np.linspace(-5, 4, 28))
        left.contour(
            x, y, _loss(np.stack([x, y], -1)), levels=np.arange(2.4, 20, 1.6), colors="#CCCCCC", linewidths=0.8
        )
        left.plot(*(w + steps).T, color="#0072B2", label="w + u(λ) for all λ")
        left.plot(*(w + ring * np.stack([np.cos(TURN), np.sin(TURN)], -1)).T, color="#009E73", linestyle=(0, (4, 2)))
        left.plot(*w, marker="o", color="black", linestyle="none", label="w")
        left.plot(*(w + u), marker="D", color="#D55E00", markersize=9, linestyle="none", label="w + u(λ)")
        left.plot(0, 0, marker="+", color="black", markersize=12, linestyle="none", label="minimum")
        left.set(xlim=(-9, 5), ylim=(-5, 4), xlabel="w₁", ylabel="w₂", aspect="equal")
        left.set_title(f"λ = {damping:.3g}: a step of length {ring:.2g}", fontsize=14)
        left.legend(loc="upper left", ncols=2, frameon=True, framealpha=1.0, edgecolor="white")
        right.axhspan(0.25, 0.75, color="#009E73", alpha=0.15)
        right.semilogx(DAMPINGS, np.clip(ratios, -1.5, None), color="#0072B2")
        right.plot(damping, max(ratio, -1.5), marker="D", color="#D55E00", markersize=9)
        right.axhline(0, color="black", linewidth=1)
        right.set(xlim=(0.8e-2, 1.25e2), ylim=(-1.6, 1.6), xlabel="λ", ylabel="ratio γ, (6)")
        right.minorticks_off()
        right.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # drawn in half the time of powers
        right.set_title(f"γ = {ratio:.2f}: {_verdict(ratio)}", fontsize=14)
    return figure


def _loss(w: np.ndarray[Any, Any]) -> Any:
    return np.sqrt(1 + (SCALE * w) ** 2).sum(-1)


def _steps(w: np.ndarray[Any, Any], dampings: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """Return the step of each λ, and its ratio."""
    root = np.sqrt(1 + (SCALE * w) ** 2)
    g, h = SCALE**2 * w / root, SCALE**2 / root**3
    u = -g / (h + dampings[:, None])
    return u, (_loss(w) - _loss(w + u)) / -(u @ g + u**2 @ h / 2)


def _verdict(ratio: float) -> str:
    if ratio < 0:
        return "the loss rises: refused"
    if ratio < 1 / 4:
        return "the model promises too much"
    return "a fair promise" if ratio <= 3 / 4 else "the model can be trusted further"
