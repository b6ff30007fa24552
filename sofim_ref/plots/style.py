"""One look for every picture: colours that the colour-blind tell apart, type that the last row reads."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sofim_ref.optimizers import REGISTRY

# Okabe & Ito's palette, doi:10.1038/nmeth.1618, less its yellow, which a projector washes out.
PALETTE = ("#D55E00", "#E69F00", "#0072B2", "#56B4E9", "#999999", "#009E73", "#CC79A7", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), "-", (0, (5, 1.5)), (0, (1, 1)), "-", (0, (5, 1.5)), (0, (3, 1, 1, 1)))
MARKERS = ("o", "s", "^", "v", "x", "D", "P", "*")

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
    """Return the colour, dashes and marker that a method of the registry has in every picture."""
    turn, i = divmod(list(REGISTRY).index(method), len(PALETTE))
    return {
        "color": PALETTE[i],
        "linestyle": DASHES[(i + turn) % len(DASHES)],  # a colour comes again with other dashes and another marker
        "marker": MARKERS[(i + 3 * turn) % len(MARKERS)],
        "label": REGISTRY[method].title,
    }


def wrapped(title: str) -> str:
    """Return a title in lines that a picture holds."""
    return textwrap.fill(title, 76)


@contextmanager
def look() -> Iterator[None]:
    """Draw with this look; what the caller had set comes back afterwards."""
    import matplotlib as mpl

    with mpl.rc_context(RC):
        yield
