"""Beyond the theorem: orders of convergence to a minimum of an MLP where the Hessian is singular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import from_numpy, to_numpy
from sofim_ref.convergence import Order, order_of_convergence
from sofim_ref.convergence.host_loss import hessian
from sofim_ref.optimizers import SGD, GaussNewton, NaturalGradient
from sofim_ref.problems import MLPRegressor
from sofim_ref.training.minimize import minimize

LABEL = (
    "Beyond the theorem: the loss is not convex, its minima form a surface, and errors are measured in the range of "
    "the Hessian at one of them."
)
"""A caveat to show with these numbers."""


@dataclass(frozen=True, eq=False)
class MLPMinimum:
    """The orders of two methods near a minimum of an MLP, and what they were fitted to.

    Parameters
    ----------
    gradient_norm, loss : float
        At the minimum that was found.
    rank, dim : int
        Of the Hessian there, and the number of parameters.
    natural_gradient, gradient_descent : Order
        Of the error in the range of the Hessian, from one step at each distance.
    error : array, shape (T,)
        The distances.
    after : mapping
        From the two methods' names to the errors after a step, shape (T,).
    label : str
        `LABEL`.
    """

    gradient_norm: float
    loss: float
    rank: int
    dim: int
    natural_gradient: Order
    gradient_descent: Order
    error: np.ndarray[Any, Any]
    after: dict[str, np.ndarray[Any, Any]]
    label: str = LABEL


def mlp_minimum(*, examples: int = 6, hidden: int = 8, seed: int = 0) -> MLPMinimum:
    """Fit a small MLP to points of a sine exactly, and take single steps from points near that minimum.

    Parameters
    ----------
    examples : int
        Fewer than parameters, so that the minima form a surface.
    hidden : int
        Units in the one hidden layer, with tanh.
    seed : int
        Of start and directions.

    Returns
    -------
    MLPMinimum

    Notes
    -----
    The minimum is found by Levenberg–Marquardt. Starting points lie off it by an amount in the range of the Hessian;
    movement along the surface of minima isn't counted, since the loss doesn't change there.
    """
    x = np.linspace(-1, 1, examples)
    problem = MLPRegressor(x[:, None], np.sin(3 * x), hidden=(hidden,))
    found = minimize(problem, GaussNewton(damping=1e-3), steps=300, seed=seed, tolerance=1e-14, on_interrupt="raise")
    target, last = found.w, found.records[-1]
    H = to_numpy(hessian(problem.oracle(target)))
    eigenvalues, vectors = np.linalg.eigh(H)
    in_range = vectors[:, eigenvalues > 1e-9 * eigenvalues[-1]]
    drawn = in_range @ np.random.default_rng(seed).standard_normal(in_range.shape[1])
    drawn /= np.linalg.norm(drawn)

    distances = np.geomspace(1e-2, 1e-5, 7)
    methods = {
        "natural gradient": NaturalGradient(lr=1.0, damping=1e-13),
        "gradient descent": SGD(lr=1 / float(eigenvalues[-1])),
    }
    after = {
        name: np.asarray([_after(problem, method, target, distance * drawn, in_range) for distance in distances])
        for name, method in methods.items()
    }
    natural, plain = (order_of_convergence(distances, errors, floor=0.0) for errors in after.values())
    rank = in_range.shape[1]
    return MLPMinimum(last.gradient_norm, last.loss, rank, problem.dim, natural, plain, distances, after)


def _after(problem: MLPRegressor, method: Any, target: Any, offset: Any, in_range: Any) -> float:
    w = target + from_numpy(offset, like=target)
    following, _ = method.step(w, method.init(w), problem.oracle(w))
    return float(np.linalg.norm(in_range.T @ to_numpy(following - target)))
