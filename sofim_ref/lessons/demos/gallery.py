"""Lesson 7: eight methods as eight matrices, drawn as ellipses at one point of one problem."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.datasets import load
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.optimizers import REGISTRY
from sofim_ref.plots.line_styles import line_style
from sofim_ref.plots.style import look
from sofim_ref.problems import LogisticRegression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = ("newton", "natural-gradient", "kfac", "adahessian", "nystrom-sgd", "soaa", "adafisher", "sofim")
"""The methods in the gallery."""

TWIST = np.asarray([[1.0, 0.8], [0.0, 0.35]])
"""Correlates the two features, so that the Hessian is far from a multiple of I."""


def gallery() -> InteractiveFigure:
    """Return an interactive figure of each method's C after some steps along one path, whose start sliders choose.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_gallery,
        {
            "x": Slider("start, w₁", -6.0, 2.0, 0.5, 0.0),
            "y": Slider("start, w₂", -4.0, 3.0, 0.5, 1.0),
            "steps": Slider("steps along the path", 1.0, 12.0, 1.0, 6.0),
        },
    )


@cache
def _problem() -> tuple[Any, Any]:
    whole = load("breast-cancer").train
    problem = LogisticRegression(whole.features[:, [0, 1]] @ TWIST, whole.targets, l2=0.01, intercept=False)
    return problem, problem.optimum()


def matrices(x: float, y: float, steps: int) -> tuple[dict[str, Any], Any]:
    """Return each method's C, shape (2, 2), and the Hessian, at the end of a path of gradient descent from (x, y)."""
    problem, _ = _problem()
    found = {}
    for name in METHODS:
        optimizer = REGISTRY[name].build(steps=steps)
        w = np.asarray([x, y])
        state = optimizer.init(w)
        for _ in range(steps):
            oracle = problem.oracle(w)
            state, choice = optimizer.precondition(state, oracle)
            w = w - oracle.gradient()
        found[name] = choice.matrix.to_dense()
    return found, oracle.hessian()


def draw_gallery(*, x: float, y: float, steps: float) -> Figure:
    """Draw an ellipse a method, over the Hessian's in grey."""
    from matplotlib.figure import Figure

    found, H = matrices(x, y, int(steps))
    with look():
        figure = Figure(figsize=(12, 6))
        figure.subplots_adjust(left=0.02, right=0.98, top=0.82, bottom=0.03, hspace=0.35, wspace=0.1)
        for axes, (name, C) in zip(figure.subplots(2, 4).flat, found.items(), strict=True):
            axes.fill(*_outline(H), color="#DDDDDD")
            axes.plot(*_outline(C), color=line_style(name)["color"])
            axes.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[])
            eigenvalues = np.linalg.eigvalsh(C)
            axes.set_title(f"{REGISTRY[name].title}\nκ = {eigenvalues[-1] / eigenvalues[0]:.3g}", fontsize=12, pad=4)
        condition = np.linalg.cond(H)
        figure.suptitle(
            f"uᵀCu = const: the Hessian (grey, κ = {condition:.3g}) and what each method takes for it",
            fontsize=15, x=0.01, ha="left",
        )  # fmt: skip
    return figure


def _outline(C: Any) -> Any:
    """Return the ellipse uᵀCu = const with the area of a circle of radius 1."""
    eigenvalues, vectors = np.linalg.eigh(C)
    turn = np.linspace(0, 2 * np.pi, 100)
    radii = np.prod(eigenvalues) ** 0.25 / np.sqrt(eigenvalues)
    return vectors @ (radii[:, None] * np.stack([np.cos(turn), np.sin(turn)]))
