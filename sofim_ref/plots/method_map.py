"""The map of methods: what C is an estimate of, its structure, and which method is another one in a limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from sofim_ref.atlas import ESTIMATES, STRUCTURES, Limit, Place
from sofim_ref.plots.style import WIDEST, look

ROW = 0.3
"""The height of a name, in inches."""

LETTER = 0.0215
"""Half the width of a name's letter, in columns."""

SHAPE = np.asarray([1 / 1.85, 1 / ROW])
"""Columns and rows in an inch, about: the picture is `WIDEST` inches for seven columns and their titles."""

BENDS = (0.1, -0.1, 0.2, -0.2, 0.3, -0.3, 0.4, -0.4)
"""How far an arrow may be bent, as a share of its length: the first that crosses the fewest names is taken."""

EQUAL, TENDS = "#4477AA", "#CC6677"


def method_map(places: Mapping[str, Place], limits: Iterable[Limit]) -> Figure:
    """Draw every method in the cell of its place, and an arrow to each one that it becomes.

    Parameters
    ----------
    places : mapping
        From a method's name to its place, `atlas.PLACES` say.
    limits : iterable of Limit
        Those whose methods have places are drawn: solid where the two are equal, dashed where one tends to the other.

    Returns
    -------
    matplotlib.figure.Figure
    """
    cells = {
        cell: [name for name, place in places.items() if (place.structure, place.estimates) == cell]
        for cell in ((structure, estimates) for estimates in ESTIMATES for structure in STRUCTURES)
    }
    heights = [max(1, *(len(cells[structure, row]) for structure in STRUCTURES)) for row in ESTIMATES]
    with look():
        figure = Figure(figsize=(WIDEST, ROW * (sum(heights) + len(heights) + 5)), layout="constrained")
        axes = figure.subplots()
        top = 0.0
        where: dict[str, tuple[float, float]] = {}
        for row, height in zip(ESTIMATES, heights, strict=True):
            for column, structure in enumerate(STRUCTURES):
                names = cells[structure, row]
                first = top + 0.5 + (height - len(names)) / 2
                where |= {name: (column, first + 0.5 + i) for i, name in enumerate(names)}
            axes.axhline(top, color="0.85", linewidth=1)
            axes.text(-0.62, top + (height + 1) / 2, row.replace(" of ", "\nof "), ha="right", va="center")
            top += height + 1
        _arrows(axes, where, limits)
        for name, (x, y) in where.items():
            axes.text(
                x, y, name, ha="center", va="center", fontsize=11, bbox={"facecolor": "white", "edgecolor": "none"}
            )
        axes.set(xlim=(-0.6, len(STRUCTURES) - 0.4), ylim=(top, 0), yticks=[], ylabel="")
        axes.set_xticks(range(len(STRUCTURES)), [name.replace(" plus ", "\nplus ") for name in STRUCTURES])
        axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        title = "Every method is w ← w − lr · C⁻¹ v: the structure of C, and what it is an estimate of"
        axes.set_title(
            f"{title}\nsolid: the methods are equal in some case; dashed: one tends to the other", fontsize=14
        )
    return figure


def _arrows(axes: Axes, where: Mapping[str, tuple[float, float]], limits: Iterable[Limit]) -> None:
    """Draw an arrow for each pair, solid if the two are equal in one case at least."""
    drawn = sorted((limit.method, limit.becomes, not limit.exact) for limit in limits)
    for (method, becomes), pairs in groupby(drawn, key=lambda pair: pair[:2]):
        if method in where and becomes in where:
            exact = not next(pairs)[2]
            (x, y), (to_x, to_y) = where[method], where[becomes]
            side = 1 if to_x > x else -1
            start = (x + side * (LETTER * len(method) + 0.02), y)
            end = (to_x - (side if to_x != x else 1) * (LETTER * len(becomes) + 0.02), to_y)
            others = {name: place for name, place in where.items() if name not in (method, becomes)}
            bends = BENDS if x != to_x else [bend if to_y > y else -bend for bend in (0.5, 0.7, 0.9, 0.35)]
            bend = min(bends, key=lambda bend: _covered(start, end, bend, others))
            axes.add_patch(
                FancyArrowPatch(
                    start,
                    end,
                    connectionstyle=f"arc3,rad={bend}",
                    arrowstyle="-|>",
                    mutation_scale=11,
                    color=EQUAL if exact else TENDS,
                    linestyle="-" if exact else "--",
                    linewidth=1.2,
                )
            )


def _covered(
    start: tuple[float, float], end: tuple[float, float], bend: float, names: Mapping[str, tuple[float, float]]
) -> float:
    """Return how many points of a bent arrow lie behind names or above the map, and a little for the bend itself."""
    t = np.linspace(0, 1, 101)[:, None]
    a, b = np.asarray(start) / SHAPE, np.asarray(end) / SHAPE  # in inches, where the arc is made
    middle = (a + b) / 2 + bend * np.asarray([a[1] - b[1], b[0] - a[0]])  # y points down
    path = ((1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t**2 * b) * SHAPE
    behind = sum(
        np.sum((np.abs(path[:, 0] - x) < LETTER * len(name) + 0.02) & (np.abs(path[:, 1] - y) < 0.45))
        for name, (x, y) in names.items()
    )
    return float(behind) + float(np.sum(path[:, 1] < 0)) + abs(bend)
