"""Lesson 12: how to make a method win."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.datasets import load
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.optimizers import SGD, SOFIM, NystromSGD, Optimizer
from sofim_ref.plots.line_styles import line_style
from sofim_ref.plots.style import look
from sofim_ref.training.minimize import minimize

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def unfair() -> InteractiveFigure:
    """Return an interactive figure of three methods on real data; sliders set SGD's step size, the seed and the cost.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_race,
        {
            "tuned": Slider("SGD's step size / a good one", -2.0, 1.0, 0.1, 1.0, logarithmic=True),
            "seed": Slider("seed", 0.0, 9.0, 1.0, 0.0),
            "count": Slider("count epochs (0) or gradients (1)", 0.0, 1.0, 1.0, 1.0),
        },
    )


@cache
def _data() -> Any:
    return load("breast-cancer", l2=1e-2).train


@cache
def _run(method: str, lr: float, seed: int) -> Any:
    made: dict[str, Optimizer[Any]] = {
        "heavy-ball": SGD(lr=lr, momentum=0.9),
        "sofim": SOFIM(lr=lr, rho=0.1),
        "nystrom-sgd": NystromSGD(lr=lr, rho=0.1, columns=4),
    }
    return minimize(_data(), made[method], epochs=5, batch_size=32, seed=seed, record_every=3, on_interrupt="raise")


def draw_race(*, tuned: float, seed: float, count: float) -> Figure:
    """Draw the loss of each method against what is counted."""
    from matplotlib.figure import Figure

    column, name = ("gradient_evaluations", "gradient evaluations") if count else ("epoch", "epochs")
    runs = {
        "heavy-ball": _run("heavy-ball", 0.1 * tuned, int(seed)),
        "sofim": _run("sofim", 0.1, int(seed)),
        "nystrom-sgd": _run("nystrom-sgd", 0.3, int(seed)),
    }
    with look():
        figure = Figure(figsize=(10, 5))
        figure.subplots_adjust(left=0.09, right=0.98, top=0.87, bottom=0.14)
        axes = figure.subplots()
        for method, trace in runs.items():
            style = line_style(method)
            axes.semilogy(trace[column][1:], trace["loss"][1:], **{**style, "marker": None})
        reach = 0.12
        axes.axhline(reach, color="black", linewidth=1)
        first = {m: float(np.min(t[column][t["loss"] <= reach], initial=np.inf)) for m, t in runs.items()}
        winner = min(first, key=lambda m: first[m])
        axes.set(xlabel=name, ylabel="train loss")
        axes.set_title(f"First to {reach}: {line_style(winner)['label']}, after {first[winner]:.3g} {name}")
        axes.legend(loc="upper right")
    return figure
