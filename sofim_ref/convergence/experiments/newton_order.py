"""The order of Newton's method is 2; with damping beyond l2 it falls to 1 close to the optimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.convergence import LinearQuadratic, Order, order_of_convergence
from sofim_ref.convergence.experiments.distances import steps_from_distances
from sofim_ref.optimizers import NaturalGradient, Newton, Optimizer
from sofim_ref.problems import Problem


@dataclass(frozen=True, eq=False)
class DampedOrders:
    """The orders of a damped method far from the optimum and near it.

    Parameters
    ----------
    far, near : Order
        Fitted to the steps from ten times the floor on, and from a tenth of it down.
    floor : float
        The error ξ₁/ξ at which the two parts of ‖Δ⁺‖ ≈ ξ₁‖Δ‖ + ξ‖Δ‖² are equal; ξ is the least ‖Δ⁺‖/‖Δ‖².
    xi1 : float
        The contraction at the smallest distance, with which `near.rate` is to be compared: it is an upper bound.
    error, next_error : array, shape (T,)
        All steps, from far to near.
    """

    far: Order
    near: Order
    floor: float
    xi1: float
    error: np.ndarray[Any, Any]
    next_error: np.ndarray[Any, Any]


def newton_order(problem: Problem, *, distances: Sequence[float] = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)) -> Order:
    """Return the order of Newton's method without damping or line search, from one step at each distance.

    Parameters
    ----------
    problem : Problem
        With an optimum; it offers the Hessian.
    distances : sequence of float
        Small enough for the limit to show, and large enough that their squares stay above rounding.

    Returns
    -------
    Order
    """
    error, next_error, _ = _pairs(steps_from_distances(problem, Newton(line_search=False), distances))
    return order_of_convergence(error, next_error, floor=0.0)


def damped_orders(problem: Problem, damping: float, *, distances: Sequence[float] | None = None) -> DampedOrders:
    """Return the orders of natural gradient with damping beyond l2, far from the optimum and near it.

    Parameters
    ----------
    problem : Problem
        With an optimum, and a loss whose Fisher matrix is its Hessian: a linear model's, with a canonical likelihood.
    damping : float
        What is added to the matrix beyond the problem's l2.
    distances : sequence of float, optional
        Forty from 0.1 to 1e-9 if not given.

    Returns
    -------
    DampedOrders

    Raises
    ------
    ValueError
        If fewer than three distances lie on either side of the floor.
    """
    distances = np.geomspace(1e-1, 1e-9, 40).tolist() if distances is None else distances
    optimizer: Optimizer[Any] = NaturalGradient(lr=1.0, damping=damping)
    error, next_error, xi1 = _pairs(steps_from_distances(problem, optimizer, distances))
    rates = np.where(next_error > 1e-13, next_error / error, np.inf)  # below it errors are rounding
    floor = float(np.min(rates) / np.min(next_error / error**2))
    far_side, near_side = error > 10 * floor, error < 0.1 * floor
    return DampedOrders(
        far=order_of_convergence(error[far_side], next_error[far_side], floor=0.0),
        near=order_of_convergence(error[near_side], next_error[near_side], floor=0.0),
        floor=floor,
        xi1=float(xi1[-1]),
        error=error,
        next_error=next_error,
    )


def _pairs(found: Sequence[LinearQuadratic]) -> tuple[np.ndarray[Any, Any], ...]:
    return tuple(np.concatenate([getattr(one, name) for one in found]) for name in ("error", "next_error", "xi1"))
