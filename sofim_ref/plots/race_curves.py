"""The best value that a race's runs have reached by then, against epochs: median and quartiles of each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.plots.line_styles import Key, line_styles
from sofim_ref.plots.style import add_legend, draw_level, drawable, look, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BANDS = 5
"""The number of methods beyond which bands would cover each other, and are left out."""


@dataclass(frozen=True)
class RaceCurve:
    """What one method's runs had reached by each epoch.

    Parameters
    ----------
    epochs : sequence of float
        The starting point first.
    lower, median, upper : sequence of float
        Quartiles and median over all runs; infinite where as many runs have failed.
    remark : str
        What the legend adds to the method's name: how many of its runs failed.
    """

    epochs: Sequence[float]
    lower: Sequence[float]
    median: Sequence[float]
    upper: Sequence[float]
    remark: str = ""


def race_curves(
    curves: Mapping[Key, RaceCurve],
    *,
    title: str,
    ylabel: str,
    targets: Sequence[float] = (),
    logarithmic: bool = True,
) -> Figure:
    """Draw each method's median as a line and, for up to `MOST_BANDS` methods, its quartiles as a band.

    Since the values are the best so far, a line meets a target where half of the method's runs have reached it. Where
    half of them have failed, the line leaves the picture on the side of the worst values. The picture is cut where the
    targets lie; a method that never comes there is named as off the picture.

    Parameters
    ----------
    curves : mapping
        From a method or label to its `RaceCurve`.
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

    drawable("curves", curves)
    low, high = _frame([curve.median[1:] for curve in curves.values()], targets, logarithmic=logarithmic)
    margin = 10 * (high / low if logarithmic else high - low)
    ends = (low / margin, high * margin) if logarithmic else (low - margin, high + margin)
    with look():
        figure = Figure(layout="constrained", figsize=(10, 7))
        axes = figure.subplots()
        for style, curve in zip(line_styles(curves).values(), curves.values(), strict=True):
            epochs = curve.epochs[1:]
            lower, median, upper = (np.clip(q[1:], *ends) for q in (curve.lower, curve.median, curve.upper))
            off = "" if np.any((median >= low) & (median <= high)) else ", off the picture"
            label = f"{style['label']}{curve.remark}{off}"
            marked = (0.0, 0.08)  # the distance from mark to mark, as a share of the picture's diagonal
            axes.plot(epochs, median, markevery=marked, markersize=7, **{**style, "label": label})
            if len(curves) <= MOST_BANDS:
                axes.fill_between(epochs, lower, upper, color=style["color"], alpha=0.12, linewidth=0)
        for target in targets:
            draw_level(axes, target, f"{target:g}")
        axes.set(xlabel="epochs", ylabel=ylabel, title=wrapped(title))
        logarithmic_axis(axes.xaxis)
        if logarithmic:
            logarithmic_axis(axes.yaxis)
        axes.set_ylim(low, high)
        add_legend(figure, axes)
    return figure


def logarithmic_axis(axis: Any, steps: Sequence[int] = (1, 2, 5)) -> None:
    """Make an axis logarithmic, with plain numbers at these multiples of powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _frame(medians: Sequence[Any], targets: Sequence[float], *, logarithmic: bool) -> tuple[float, float]:
    """Return the ends of the vertical axis.

    Those are the best median, and half as far again on the worse side of the easy target as the hard one lies on the
    better side; all medians if there are fewer than two targets.
    """
    seen = np.concatenate([np.zeros(0), *medians, np.asarray(targets, dtype=float)])
    seen = seen[np.isfinite(seen) & ((seen > 0) | (not logarithmic))]
    if not seen.size:
        return (0.1, 1.0) if logarithmic else (0.0, 1.0)
    low, high = float(seen.min()), float(seen.max())
    if len(targets) > 1:
        easy, hard = targets[0], targets[-1]
        if logarithmic and hard > 0:
            high = min(high, easy * (easy / hard) ** 1.5)
        elif hard < easy:
            high = min(high, easy + 1.5 * (easy - hard))
        else:
            low = max(low, easy - 1.5 * (hard - easy))
    if logarithmic:
        return 0.95 * low, 1.05 * high
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin
