"""The point from which a study measures runs."""

from __future__ import annotations

from sofim_ref.arrays import Array
from sofim_ref.problems import Problem


def reference_point(problem: Problem) -> tuple[Array, str]:
    """Return what runs are measured from and what it is: the optimum, or a local minimum where none is known.

    Raises
    ------
    TypeError, ValueError
        If the problem knows neither, or has none.
    """
    try:
        return problem.optimum(), "optimum"
    except TypeError:
        return problem.local_minimum(), "local minimum"
