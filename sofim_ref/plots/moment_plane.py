"""The plane of error and moment of one parameter: a path, and the ellipse of the norm through each of its points."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from sofim_ref.arrays import to_numpy
from sofim_ref.arrays.validation import an_instance, finite, floating
from sofim_ref.convergence import CompanionNorm
from sofim_ref.plots.ellipses import SIDES
from sofim_ref.plots.style import picture

Numbers = np.ndarray[Any, Any]

PATH, ELLIPSE = "#D55E00", "#0072B2"

APART = 0.05
"""How far apart points must lie to be numbered, and ellipses to be drawn, as a share of the picture."""

FAR = 3.0
"""How many times as far as the path the axes may reach: an ellipse may be a hundred times as high."""

NUMBERED = 30
"""How many points may be numbered."""


def moment_plane(norm: CompanionNorm, path: Any, *, title: str) -> Figure:
    """Draw the points (Δ, M) of a run with one parameter, and the ellipses of constant ‖(Δ, M)‖_P through them.

    A step from an ellipse ends inside it wherever the norm of the step is below 1. Points are numbered by step as far
    as there is room.

    Parameters
    ----------
    norm : CompanionNorm
        Of one eigenvalue.
    path : array, shape (T + 1, 2)
        The error Δ = w − w* and the moment M before the first step and after each.

    Raises
    ------
    TypeError, ValueError
        If `norm` is no `CompanionNorm` of one eigenvalue, or `path` no array of finite numbers of that shape.
    """
    an_instance("norm", norm, CompanionNorm, "sofim_ref.convergence.CompanionNorm(eigenvalues, beta, step) is one")
    if len(norm.eigenvalues) != 1:
        msg = f"norm must have 1 eigenvalue to be drawn, got {len(norm.eigenvalues)}."
        raise ValueError(msg)
    floating("path", path, ndim=2)
    finite("path", path)
    if path.shape[1] != 2:
        msg = f"path must have shape (T + 1, 2), Δ and M a row, got {tuple(path.shape)}."
        raise ValueError(msg)
    with picture(title, size=(6.8, 5.8), xlabel="error, Δ = w − w*", ylabel="moment, M") as (figure, axes):
        draw_plane(axes, norm, to_numpy(path).astype(np.float64))
    return figure


def draw_plane(axes: Axes, norm: CompanionNorm, points: Numbers) -> None:
    """Draw path and ellipses on axes that reach as far as the largest ellipse, but not `FAR` beyond the path."""
    lengths = norm.norm(points[:, :1], points[:, 1:])
    turn = np.linspace(0, 2 * np.pi, 121)
    unit = np.linalg.solve(norm.factors()[0], np.stack([np.cos(turn), np.sin(turn)]))  # the ellipse ‖z‖_P = 1
    reach, farthest = 1.08 * (lengths.max() or 1.0) * unit.max(axis=1), np.abs(points).max(axis=0)
    reach = np.where(farthest > 0, np.minimum(reach, FAR * farthest), reach)
    drawn: list[float] = []
    for length in lengths:
        if all(abs(length - other) > APART * lengths.max() for other in drawn):
            drawn.append(float(length))
            axes.fill(*(length * unit), facecolor=(ELLIPSE, 0.07), edgecolor=ELLIPSE, linewidth=1)
    axes.plot(*points.T, color=PATH, marker="o", markersize=5, linewidth=1.6)
    axes.plot(0, 0, marker="+", color="black", markersize=14, markeredgewidth=2)
    for step in _numbered(points / (2 * reach)):
        outwards = 11 * points[step] / reach / (np.linalg.norm(points[step] / reach) or 1.0)
        place: Any = {"textcoords": "offset points", "ha": "center", "va": "center"}
        number = axes.annotate(str(step), points[step], outwards, **place, fontsize=12, color=PATH, zorder=3)
        number.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    axes.locator_params(nbins=6)
    axes.set(xlim=reach[0] * SIDES, ylim=reach[1] * SIDES)


def _numbered(points: Numbers) -> list[int]:
    """Return some of the first steps: those whose points, in shares of the picture, lie apart from the ones before."""
    kept: list[int] = []
    for step, point in enumerate(points[:NUMBERED]):
        if all(np.linalg.norm(point - points[other]) > APART for other in kept):
            kept.append(step)
    return kept
