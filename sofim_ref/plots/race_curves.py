"""The best that a race's runs have seen, against epochs: who is where when, and how far the seeds lie apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.plots.style import draw_level, line_style, look, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curves = Mapping[str, Sequence[tuple[Sequence[float], Sequence[float]]]]
"""From a method's name in the registry to its runs: epochs, and the best value seen by then."""

MOST_BANDS = 5
"""The number of methods beyond which bands would cover each other, and are left out."""


def race_curves(
    curves: Curves, *, title: str, ylabel: str, targets: Sequence[float] = (), logarithmic: bool = True
) -> Figure:
    """Draw each method's median over its runs as a line and, for up to `MOST_BANDS` methods, its quartiles as a band.

    Since the values are the best so far, a line meets a target where half of the method's runs have reached it. The
    picture is cut where the targets lie; a method that never comes there is named as off the picture.

    Parameters
    ----------
    curves : mapping
        From a method's name in the registry to one pair (epochs, values) a run, the starting point first.
    title : str
        The message of the picture.
    ylabel : str
        What is on the vertical axis.
    targets : sequence of float
        Where horizontal lines are drawn, easy to hard.
    logarithmic : bool
        Whether the vertical axis is; the horizontal one always is, so the starting point isn't drawn.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    with look():
        figure = Figure(layout="constrained", figsize=(10, 7))
        axes = figure.subplots()
        lines: list[Any] = []
        for method, runs in curves.items():
            epochs, values = _together(runs)
            if len(epochs) < 2:
                continue
            lower, median, upper = np.quantile(values[:, 1:], (0.25, 0.5, 0.75), axis=0)
            style = line_style(method)
            marked = (0.0, 0.08)  # the distance from mark to mark, as a share of the picture's diagonal
            lines += axes.plot(epochs[1:], median, markevery=marked, markersize=7, **style)
            if len(curves) <= MOST_BANDS:
                axes.fill_between(epochs[1:], lower, upper, color=style["color"], alpha=0.12, linewidth=0)
        for target in targets:
            draw_level(axes, target, f"{target:g}")
        axes.set(xlabel="epochs", ylabel=ylabel, title=wrapped(title))
        _number(axes, "x")
        if logarithmic:
            _number(axes, "y")
        if lines and len(targets) > 1:
            _frame(axes, [line.get_ydata() for line in lines], targets, logarithmic=logarithmic)
        for line in lines:
            low, high = axes.get_ylim()
            if not np.any((line.get_ydata() >= low) & (line.get_ydata() <= high)):
                line.set_label(f"{line.get_label()}, off the picture")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def _together(runs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[Any, Any]:
    """Return the epochs of the longest run, and all runs' values there; a run that broke off stays where it was."""
    epochs = max((epochs for epochs, _ in runs), key=len, default=())
    lasting = [np.asarray(values, dtype=float) for _, values in runs if len(values)]
    if not lasting:
        return np.asarray(()), np.asarray(())
    values = [np.pad(run, (0, len(epochs) - len(run)), mode="edge") for run in lasting]
    return np.asarray(epochs), np.stack(values)


def _number(axes: Any, name: str) -> None:
    """Make an axis logarithmic, with plain numbers on it."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set(**{f"{name}scale": "log"})
    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _frame(axes: Any, medians: Sequence[Any], targets: Sequence[float], *, logarithmic: bool) -> None:
    """Cut the picture at the best median, and half as far again above the easy target as the hard one lies below it."""
    seen = np.concatenate([*medians, np.asarray(targets, dtype=float)])
    seen = seen[np.isfinite(seen)]
    easy, hard = targets[0], targets[-1]
    if logarithmic and hard > 0:
        axes.set_ylim(0.95 * seen.min(), 1.05 * min(seen.max(), easy * (easy / hard) ** 1.5))
    else:
        best, worst = (seen.max(), seen.min()) if hard > easy else (seen.min(), seen.max())
        end = easy - 1.5 * (hard - easy)
        end = max(end, worst) if hard > easy else min(end, worst)
        margin = 0.03 * (best - end)
        axes.set_ylim(*sorted((end - margin, best + margin)))
