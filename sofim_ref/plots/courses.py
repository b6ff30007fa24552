"""The ways that methods take on losses of two parameters, on contours of the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sofim_ref.convergence.experiments.where_not_convex import Course
from sofim_ref.plots.style import add_legend, drawable, panels, styled, wrapped
from sofim_ref.problems import Problem


@dataclass(frozen=True, eq=False)
class Landscape:
    """A loss of two parameters, with the ways that methods took on it.

    Parameters
    ----------
    problem : Problem
        With d = 2, on NumPy.
    courses : mapping
        From what a method is called to its `Course`.
    x, y : pair of float
        The part of the plane that is shown.
    """

    problem: Problem
    courses: Mapping[str, Course]
    x: tuple[float, float]
    y: tuple[float, float]


def courses(landscapes: Mapping[str, Landscape], *, title: str) -> Figure:
    """Draw each method's points, joined by lines, over contours of equal steps in the root of the loss's height.

    A ring marks where a method ended; above, after how many steps, with a plus if it had not converged,
    and a word if it converged to a saddle.

    Parameters
    ----------
    landscapes : mapping
        From what a panel is called to its `Landscape`.
    title : str
        The message of the picture.

    Raises
    ------
    TypeError, ValueError
        If `landscapes` is no mapping from labels to such, or is empty.
    """
    drawable("landscapes", landscapes, Landscape, "plots.Landscape(problem, courses, x, y) is one")
    with panels(title, len(landscapes), size=(6.8, 6.0)) as (figure, grid):
        for axes, (name, shown) in zip(grid, landscapes.items(), strict=True):
            _contours(axes, shown)
            for style, course in styled(shown.courses):
                axes.plot(*course.points.T, **{**style, "marker": "."})
                axes.plot(*course.points[-1], "o", color=style["color"], fillstyle="none", markersize=10, clip_on=False)
            ends = ", ".join(f"{method} {course.steps}{_end(course)}" for method, course in shown.courses.items())
            axes.set_title(f"{name}\nsteps: {wrapped(ends, 58)}", fontsize=11)
            axes.set(xlabel="x", ylabel="y", xlim=shown.x, ylim=shown.y)
            axes.grid(visible=False)
        add_legend(figure, grid[-1])
    return figure


def _end(course: Course) -> str:
    return "+" if not course.converged else " to a saddle" if course.eigenvalue < 0 else ""


def _contours(axes: Axes, shown: Landscape) -> None:
    x, y = (np.linspace(*ends, 121) for ends in (shown.x, shown.y))
    heights = np.asarray([[float(shown.problem.value(np.asarray([a, b]))) for a in x] for b in y])
    axes.contour(x, y, np.sqrt(heights - heights.min()), levels=14, colors="0.8", linewidths=0.8)
