"""C drawn where it is used: along a path in two dimensions, the ellipse of the steps that C counts as equally long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sofim_ref.arrays import from_numpy, to_numpy
from sofim_ref.matrices import Matrix
from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import drawable, panels, styled, wrapped
from sofim_ref.problems import Problem

Path = Sequence[tuple[Any, Matrix]]
"""Points w, shape (2,), each with its C."""

SIDES = np.asarray([-1.0, 1.0])
"""Where the panel ends, left and right of its middle."""


def ellipses(problem: Problem, paths: Mapping[Key, Path], *, title: str, optimum: Any = None) -> Figure:
    r"""Draw each method's path over the contours of the loss, with the ellipse :math:`u^\top C u = 1` of some points.

    Only the shape of an ellipse is C's: each is scaled to the same area, so that those of far points can be seen. A
    method steps far where its ellipse is long. Points three times as far from the optimum as the start are cut off.

    Parameters
    ----------
    problem : Problem
        Of two parameters.
    paths : mapping
        From a method or label to its points, each with C there.
    optimum : array, shape (2,), optional
        Marked with a cross.

    Raises
    ------
    ValueError
        If the problem has not two parameters.
    """
    if problem.dim != 2:
        msg = f"problem must have 2 parameters to be drawn, got {problem.dim}."
        raise ValueError(msg)
    drawable("paths", paths)
    with panels(title, len(paths), size=(4.2, 4.8), shared="xy", ylabel="w₂") as (figure, grid):
        points = np.stack([to_numpy(w) for path in paths.values() for w, _ in path])
        if optimum is not None:
            target = to_numpy(optimum)
            far = 3 * max(float(np.linalg.norm(to_numpy(path[0][0]) - target)) for path in paths.values())
            points = np.stack([target, *points[np.linalg.norm(points - target, axis=1) <= far]])
        middle, reach = (points.max(axis=0) + points.min(axis=0)) / 2, 0.62 * (np.ptp(points, axis=0).max() or 1.0)
        contours = _losses(problem, middle, reach)
        for axes, (style, path) in zip(grid, styled(paths), strict=True):
            axes.contour(*contours, levels=14, colors="#BBBBBB", linewidths=0.8)
            _path(axes, style, path, 0.13 * reach)
            if optimum is not None:
                axes.plot(*to_numpy(optimum), marker="+", color="black", markersize=14, markeredgewidth=2)
            axes.set(aspect="equal", xlim=middle[0] + reach * SIDES, ylim=middle[1] + reach * SIDES)
            axes.set_title(wrapped(style["label"], 36), fontsize=13, pad=6)
            axes.set_xlabel("w₁")
    return figure


def _losses(problem: Problem, middle: Any, reach: float) -> tuple[Any, ...]:
    """Return the coordinates of a grid around the middle, and the loss there."""
    x, y = (np.linspace(centre - reach, centre + reach, 60) for centre in middle)
    at = np.stack(np.meshgrid(x, y), axis=-1)
    like = problem.initial_point()
    losses = [float(problem.oracle(from_numpy(w, like=like)).value()) for w in at.reshape(-1, 2)]
    return x, y, np.reshape(losses, at.shape[:2])


def _path(axes: Axes, style: Mapping[str, Any], path: Path, size: float) -> None:
    points = np.stack([to_numpy(w) for w, _ in path])
    axes.plot(*points.T, color=style["color"], marker=style["marker"], markersize=5, linewidth=1.5)
    angles = np.linspace(0, 2 * np.pi, 100)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    last = None
    for w, (_, C) in zip(points, path, strict=True):
        if last is not None and np.linalg.norm(w - last) < 2 * size:  # ellipses on top of each other can't be read
            continue
        last = w
        eigenvalues, vectors = np.linalg.eigh(to_numpy(C.to_dense()).astype(np.float64))
        axis_lengths = size * (eigenvalues[::-1] / eigenvalues) ** 0.25  # of product size², at any scale of C
        outline = w[:, None] + vectors @ (axis_lengths[:, None] * circle)
        axes.fill(*outline, facecolor=style["color"], alpha=0.2, edgecolor=style["color"], linewidth=1)
