"""One look for every picture: colours that the colour-blind tell apart, type that the last row reads."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sofim_ref.optimizers import REGISTRY

COLOURS = {
    "sofim": "#D55E00",
    "sgd": "#777777",
    "adam": "#0072B2",
    "soaa": "#CC79A7",
    "tadam": "#AA4499",
    "adafisher": "#009E73",
    "adahessian": "#56B4E9",
    "natural_gradient": "#000000",
    "kfac": "#999933",
    "gauss_newton": "#7A4B1E",
    "newton": "#E69F00",
    "newton_cg": "#B8860B",
    "lbfgs": "#332288",
    "nystrom_sgd": "#882255",
}
"""From an optimizer's file to its colour, of Okabe & Ito's palette, doi:10.1038/nmeth.1618, and Tol's "muted"."""
SHADES = (0.0, 0.35, 0.5, 0.6)
"""How much white is mixed into the colour of a file's first, second, third reading."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (3, 1, 1, 1)))
"""The dashes of a file's first, second, third reading."""
MARKERS = ("o", "s", "^", "v", "x", "D", "P", "*", "<", ">", "h", "p", "X", "d")
"""Marks along a line, method after method."""

GREY = "#BBBBBB"
"""What a bound says nothing of."""

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
    "savefig.dpi": 130,
}


def draw(axes: Any, method: str, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> None:
    """Draw a method's line in its style on a logarithmic axis, with about a dozen markers."""
    axes.semilogy(x, y, markevery=max(1, len(x) // 12), markersize=7, **line_style(method))


def draw_level(axes: Any, height: float, label: str) -> None:
    """Draw a thin horizontal line with its meaning written above its right end."""
    axes.axhline(height, color="black", linewidth=1, zorder=0)
    at = {"xy": (1, height), "xycoords": ("axes fraction", "data"), "xytext": (0, 4), "textcoords": "offset points"}
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axes.annotate(label, **at, ha="right", va="bottom", fontsize=12, bbox=paper, zorder=10)


def line_style(method: str) -> dict[str, Any]:
    """Return the colour, dashes and marker that a method of the registry has in every picture.

    A file has a colour; its readings differ in shade, dashes and marker.
    """
    readings = [name for name in REGISTRY if _file(name) == _file(method)]
    reading = readings.index(method) % len(SHADES)
    return {
        "color": _lighter(COLOURS.get(_file(method), "#000000"), SHADES[reading]),
        "linestyle": DASHES[reading],
        "marker": MARKERS[list(REGISTRY).index(method) % len(MARKERS)],
        "label": REGISTRY[method].title,
    }


def _file(method: str) -> str:
    make = REGISTRY[method].make
    return str(getattr(make, "func", make).__module__.rpartition(".")[2])


def _lighter(colour: str, white: float) -> str:
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + white * (255 - part)):02X}" for part in parts)


def wrapped(title: str, width: int = 76) -> str:
    """Return a title in lines that a picture holds."""
    return textwrap.fill(title, width)


@contextmanager
def look() -> Iterator[None]:
    """Draw with this look; what the caller had set comes back afterwards."""
    import matplotlib as mpl

    with mpl.rc_context(RC):
        yield
