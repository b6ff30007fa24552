"""Whether a point is an optimum, up to little of the radius that is found around it."""

from __future__ import annotations

import math

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.convergence.host_loss import host_loss
from sofim_ref.problems import Problem

NEAR = 1e-3
"""How far from the true optimum the point may be, as a share of the radius, and of 1 + ‖w‖."""


def check_near_optimum(problem: Problem, target: Array, lowest: float, radius: float) -> None:
    r"""Refuse a point whose gradient shows that it is too far from the optimum.

    With λ the smallest positive eigenvalue of the Hessian there the distance is at most :math:`2 \|\nabla f\|/\lambda`,
    by the Newton–Kantorovich theorem, whose condition :math:`2 M \|\nabla f\| \le \lambda^2` the bound below implies,
    since a radius is at most 2λ/M: there may be a saddle that far away. A gradient within its rounding passes.
    """
    point = to_numpy(target)
    with np.errstate(all="ignore"):  # numbers that overflow are refused
        gradient, rounding = host_loss(problem, target).gradient(point)
        length, size = (float(np.linalg.norm(x.astype(np.float64))) for x in (gradient, point))
    allowed, away = NEAR * min(radius, 1 + size), 2 * length / lowest
    if not (math.isfinite(rounding) and (length <= rounding or away <= allowed)):
        msg = (
            f"optimum must be where the gradient vanishes, within {allowed:.2g} of the true one, {NEAR:g} of the "
            f"radius {radius:.2g} or of 1 + ‖w‖, got a gradient of norm {length:.2g}, with which it may be "
            f"{away:.2g} away: optimize on from there."
        )
        raise ValueError(msg)
