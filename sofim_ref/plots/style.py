"""One look for every picture: colours that the colour-blind can distinguish, type legible from the last row."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from sofim_ref.arrays.validation import an_instance
from sofim_ref.plots.line_styles import Key, line_styles, title_of
from sofim_ref.training import Status, Trace

Data = TypeVar("Data")

GREY = "#BBBBBB"
"""The colour of hatching: where there is no bound, or a run diverges."""

HUGE = 1e200
"""Where values are drawn that are larger: beyond it the margin of a logarithmic axis overflows."""

WIDEST = 17
"""The width of a picture of many panels, in inches."""

RC: Any = {
    "axes.grid": True,
    "axes.labelsize": 14,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 16,
    "axes.titlesize": 15,
    "figure.dpi": 100,
    "figure.figsize": (10, 6),
    "font.size": 13,
    "grid.alpha": 0.25,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "lines.linewidth": 2.4,
}


@contextmanager
def look() -> Iterator[None]:
    """Draw with this look, and restore the caller's settings afterwards."""
    with rc_context(RC):
        yield


@contextmanager
def picture(
    title: str, *, size: tuple[float, float] = RC["figure.figsize"], **labels: Any
) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure, of a size in inches, and its axes; title, labels and legend are set when the drawing is done."""
    with look():
        figure = Figure(layout="constrained", figsize=size)
        axes = figure.subplots()
        yield figure, axes
        axes.set(title=wrapped(title, int(7.6 * size[0])), **labels)
        add_legend(figure, axes)


@contextmanager
def panels(
    title: str, number: int, *, size: tuple[float, float], shared: str = "", ylabel: str = ""
) -> Iterator[tuple[Figure, list[Axes]]]:
    """Yield a figure and its panels, each of a size in inches, as many side by side as fit into `WIDEST`.

    `shared` names the axes that all panels share; the label of the vertical one stands at the panels on the left.
    """
    with look():
        rows = max(1, math.ceil(number / (WIDEST // size[0])))
        columns = max(1, math.ceil(number / rows))
        figure = Figure(layout="constrained", figsize=(size[0] * columns, 0.8 + size[1] * rows))
        grid = figure.subplots(rows, columns, squeeze=False, sharex="x" in shared, sharey="y" in shared)
        for blank in grid.flat[number:]:
            blank.set_axis_off()
        for lowest in grid.flat[max(0, number - columns) : number]:
            lowest.tick_params(labelbottom=True)
        for leftmost in grid[:, 0]:
            leftmost.set_ylabel(ylabel)
        yield figure, list(grid.flat[:number])
        figure.suptitle(wrapped(title, int(7.6 * size[0] * columns)), fontsize=15, x=0.01, ha="left")


def draw(axes: Axes, style: Mapping[str, Any], x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> None:
    """Draw a line in its style on a logarithmic axis, with about a dozen markers."""
    axes.semilogy(x, np.minimum(y, HUGE), markevery=max(1, len(x) // 12), markersize=7, **style)


def cut(axes: Axes, start: float) -> None:
    """End the vertical axis at 1000 times a starting value: a run that diverges leaves the picture there."""
    if axes.get_ylim()[1] > 1e3 * start > 0:
        axes.set_ylim(top=1e3 * start)


def draw_level(axes: Axes, height: float, label: str, colour: str = "black") -> None:
    """Draw a thin horizontal line with its meaning written above its right end."""
    axes.axhline(height, color=colour, linewidth=1, zorder=0)
    at: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right", "va": "bottom"}
    outline = [withStroke(linewidth=3, foreground="white")]  # of the letters: a box would hide the ends of curves
    axes.annotate(label, (1, height), (0, 4), **at, fontsize=12, path_effects=outline, zorder=10)


def labelled(argument: str, data: object, kind: type = object, remedy: str = "") -> None:
    """Refuse what is no mapping from labels to data of a kind; the remedy says what makes such data."""
    if not isinstance(data, Mapping):
        what = "a mapping from a label or Method to its data"
        msg = f'{argument} must be {what}, got {type(data)!r}: pass {{"a label": data}}.'
        raise TypeError(msg)
    for key, found in data.items():
        an_instance(f"{argument}[{title_of(key)!r}]", found, kind, remedy)


def drawable(argument: str, data: Any, kind: type = object, remedy: str = "") -> None:
    """Refuse what `labelled` refuses, or an empty mapping."""
    labelled(argument, data, kind, remedy)
    if not data:
        msg = f"{argument} must have a label at least, got an empty mapping."
        raise ValueError(msg)


def styled(data: Mapping[Key, Data]) -> Iterator[tuple[dict[str, Any], Data]]:
    """Yield each line's style with its data; the label of a run that failed says so.

    Raises
    ------
    TypeError
        If the data are no mapping.
    """
    labelled("what is drawn", data)
    for style, found in zip(line_styles(data).values(), data.values(), strict=True):
        failure = FAILED.get(found.status, "") if isinstance(found, Trace) else ""
        yield {**style, "label": style["label"] + failure}, found


FAILED = {
    Status.DIVERGED: ", diverged",
    Status.WRONG_GRADIENT: ", wrong gradient",
    Status.SINGULAR: ", C singular",
    Status.INTERRUPTED: ", interrupted",
}
"""What a legend says of a run that failed, or that the user ended."""


def add_legend(figure: Figure, axes: Axes) -> None:
    """Name the lines of a panel below the picture, in as many columns as their names leave room for."""
    handles, names = axes.get_legend_handles_labels()
    room = 11 * figure.get_figwidth()  # in characters
    columns = max(1, min(3, int(room / (6 + max(map(len, names), default=0)))))
    if names:
        figure.set_figheight(figure.get_figheight() + 0.25 * max(0, math.ceil(len(names) / columns) - 3))
        texts = [wrapped(name, int(room) - 6) for name in names]
        figure.legend(handles, texts, loc="outside lower center", ncols=columns)


def wrapped(title: str, width: int = 76) -> str:
    """Return a title in lines short enough for a picture."""
    an_instance("title", title, str, "a text is needed")
    return textwrap.fill(title, width)
