"""Lesson 9: a table of four curvatures and the products that are nearest to it, by two distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.plots.style import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def tables() -> InteractiveFigure:
    """Return an interactive figure of a 2 × 2 table of curvatures, and of its nearest products by two distances.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(draw_tables, {"corner": Slider("F₁₁", 0.0, 3.0, 0.1, 100.0, logarithmic=True)})


def draw_tables(*, corner: float) -> Figure:
    """Draw F and both products, and how many times too long a step is in each entry."""
    from matplotlib.figure import Figure

    F = np.asarray([[corner, 1.0], [1.0, 1.0]])
    fits = {"nearest in Frobenius norm": _frobenius(F), "nearest in divergence": _divergence(F)}
    with look():
        figure = Figure(figsize=(12, 4.6))
        figure.subplots_adjust(left=0.03, right=0.98, top=0.74, bottom=0.06, wspace=0.12)
        panels = figure.subplots(1, 3)
        _table(panels[0], F, np.ones((2, 2)), "the curvatures F")
        for axes, (name, C) in zip(panels[1:], fits.items(), strict=True):
            _table(axes, C, F / C, name)
        worst = [_shown(np.max(F / C)) for C in fits.values()]
        figure.suptitle(
            f"A step is up to {worst[0]} times too long by the first product, {worst[1]} by the second",
            x=0.03,
            ha="left",
            fontsize=15,
        )
    return figure


def _table(axes: Any, C: Any, ratio: Any, title: str) -> None:
    """Draw a table: the numbers, and as colour by how much a step along each parameter is too long or too short."""
    axes.imshow(np.log10(ratio), cmap="PuOr_r", vmin=-3, vmax=3)
    for i in range(2):
        for j in range(2):
            strong = abs(np.log10(ratio[i, j])) > 1.7
            text = _shown(C[i, j]) if title.endswith("F") else f"{_shown(C[i, j])}\nstep × {_shown(ratio[i, j])}"
            axes.text(j, i, text, ha="center", va="center", fontsize=14, color="white" if strong else "black")
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.set_title(title, fontsize=14)


def _shown(x: float) -> str:
    return f"{x:.0f}" if x >= 10 else f"{x:.2g}"


def _frobenius(F: Any) -> Any:
    """Return the product of two vectors nearest to F: its first singular value and vectors."""
    U, s, V = np.linalg.svd(F)
    return s[0] * np.outer(U[:, 0], V[0])


def _divergence(F: Any) -> Any:
    """Return the product nearest to the symmetric table [[f, 1], [1, 1]] in divergence: a₁ = √f a₂."""
    root = F[0, 0] ** 0.5
    return (1 + 1 / root) / 2 * np.outer([root, 1.0], [root, 1.0])
