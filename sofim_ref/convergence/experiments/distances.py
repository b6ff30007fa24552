"""One step from each of many distances: the error after a step as a function of the error before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy
from sofim_ref.convergence import LinearQuadratic, linear_quadratic_bound
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Problem


def steps_from_distances(
    problem: Problem,
    optimizer: Optimizer[Any],
    distances: Sequence[float],
    *,
    optimum: Array | None = None,
    seed: int = 0,
) -> list[LinearQuadratic]:
    """Take one step from each distance, in a random direction, and return the linear-quadratic bound of each.

    Parameters
    ----------
    problem : Problem
        With an optimum, unless it is given.
    optimizer : Optimizer
        It starts with a fresh state at every distance, so there is no momentum.
    distances : sequence of float
        ‖w − w*‖ of the starting points.
    optimum : array, shape (d,), optional
        The point w*.
    seed : int
        What the direction is drawn from: the same for all.

    Returns
    -------
    list of LinearQuadratic
        One for each distance, of one step.
    """
    target = problem.optimum() if optimum is None else optimum
    drawn = np.random.default_rng(seed).standard_normal(problem.dim)
    found = []
    for distance in distances:
        w = target + from_numpy(distance * drawn / np.linalg.norm(drawn), like=target)
        following, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
        found.append(linear_quadratic_bound(problem, optimizer, [w, following], optimum=target))
    return found
