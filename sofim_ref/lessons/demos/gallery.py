"""Lesson 7: eight methods as eight matrices, drawn as ellipses on two weights of one problem."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.datasets import load
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.optimizers import REGISTRY
from sofim_ref.plots.line_styles import line_style
from sofim_ref.plots.style import look
from sofim_ref.problems import SoftmaxRegression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sofim_ref.problems import Oracle

METHODS: dict[str, dict[str, Any]] = {
    "natural-gradient": {"damping": 1e-9},
    "kfac": {"decay": 0.0},
    "nystrom-sgd": {"columns": 1, "rho": 0.02},
    "lbfgs": {},
    "sofim": {"rho": 0.02},
    "adahessian": {},
    "adafisher": {"update_every": 1},
    "soaa": {},
}
"""The methods in the gallery, with what differs from their defaults; the last three have a diagonal C."""

WEIGHTS = (1, 2)
"""The two weights that are drawn: from petal length to versicolor, and from petal length to virginica."""


def gallery() -> InteractiveFigure:
    """Return an interactive figure of each method's C after some steps along one path, whose start sliders choose.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_gallery,
        {
            "x": Slider("start, w₁", -4.0, 4.0, 0.5, 0.0),
            "y": Slider("start, w₂", -4.0, 4.0, 0.5, 1.0),
            "steps": Slider("steps along the path", 1.0, 12.0, 1.0, 6.0),
        },
    )


@cache
def iris() -> SoftmaxRegression:
    """Return softmax regression of iris's three species on length and width of petals: nine parameters.

    The features have different mean squares: AdaFisher scales them to [0, 1], and makes nothing of equal ones.
    """
    whole = load("iris").train
    return SoftmaxRegression(whole.features[:, [2, 3]] * np.asarray([1.0, 0.5]), whole.targets, l2=0.01)


@cache
def _path(x: float, y: float, steps: int) -> tuple[Oracle, ...]:
    """Return the oracles along a path of gradient descent, and one of where it ends."""
    problem = iris()
    w = problem.initial_point()
    w[list(WEIGHTS)] = x, y
    path = []
    for _ in range(steps + 1):
        path.append(problem.oracle(w))
        w = w - path[-1].gradient()
    return tuple(path)


def matrices(x: float, y: float, steps: int) -> tuple[dict[str, Any], Any]:
    """Return each method's C for the two weights, shape (2, 2), after steps of gradient descent, and the Hessian's."""
    path = _path(x, y, steps)
    block = np.ix_(WEIGHTS, WEIGHTS)
    found = {}
    for name, settings in METHODS.items():
        optimizer = REGISTRY[name].build(steps=steps + 1, **settings)
        state = optimizer.init(path[0].w)
        for oracle, following in pairwise(path):
            state, choice = optimizer.precondition(state, oracle)
            state = optimizer.accept(state, oracle, choice, following.w)[1]
        found[name] = optimizer.precondition(state, path[-1])[1].matrix.to_dense()[block]
    return found, path[-1].hessian()[block]


def condition(C: Any) -> float:
    """Return the largest eigenvalue over the smallest."""
    eigenvalues = np.linalg.eigvalsh(C)
    return float(eigenvalues[-1] / eigenvalues[0])


def draw_gallery(*, x: float, y: float, steps: float) -> Figure:
    """Draw an ellipse a method, over the Hessian's in grey, side by side on one pair of axes: that is drawn fastest."""
    from matplotlib.figure import Figure

    found, H = matrices(x, y, int(steps))
    with look():
        figure = Figure(figsize=(12, 6.6))
        axes = figure.add_axes((0.01, 0.01, 0.98, 0.88))
        axes.set_axis_off()
        axes.set(aspect="equal", xlim=(-2.7, 24), ylim=(-9.4, 3.8))
        for panel, (name, C) in enumerate(found.items()):
            right, up = 7.0 * (panel % 4), -6.7 * (panel // 4)
            centre = np.asarray([[right], [up]])
            axes.hlines(up, right - 2.6, right + 2.6, color="#BBBBBB", linewidth=1)
            axes.vlines(right, up - 2.6, up + 2.6, color="#BBBBBB", linewidth=1)
            axes.text(right + 2.6, up + 0.1, "w₁", fontsize=12, color="#555555", ha="right", va="bottom")
            axes.text(right + 0.15, up + 2.6, "w₂", fontsize=12, color="#555555", va="top")
            axes.fill(*(centre + _outline(H)), color="#DDDDDD")
            axes.plot(*(centre + _outline(C)), color=line_style(name)["color"])
            title = f"{REGISTRY[name].title}: κ = {condition(C):.3g}"
            axes.text(right - 2.6, up + 2.9, title, fontsize=14, va="bottom")
        figure.suptitle(
            f"uᵀCu = const, with C's condition number κ; in grey the same of the Hessian, κ = {condition(H):.3g}",
            fontsize=15, x=0.01, ha="left",
        )  # fmt: skip
    return figure


def _outline(C: Any) -> Any:
    """Return the ellipse uᵀCu = const with the area of a circle of radius 1."""
    eigenvalues, vectors = np.linalg.eigh(C)
    turn = np.linspace(0, 2 * np.pi, 100)
    radii = np.prod(eigenvalues) ** 0.25 / np.sqrt(eigenvalues)
    return vectors @ (radii[:, None] * np.stack([np.cos(turn), np.sin(turn)]))
