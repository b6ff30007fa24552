"""The noise floor: with minibatches the error stops falling, at a level that depends on η/ρ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import from_numpy
from sofim_ref.arrays.sums import norm
from sofim_ref.optimizers import SOFIM
from sofim_ref.problems import Problem


@dataclass(frozen=True, eq=False)
class NoiseFloors:
    """The noise floor of SOFIM for several η/ρ, and the exponent with which it grows.

    Parameters
    ----------
    ratios : array, shape (K,)
        The values of η/ρ.
    floors : array, shape (K,)
        The root mean square of ‖w − w*‖ over the second half of each run.
    exponent, exponent_error : float
        The slope of log floor on log(η/ρ), and its standard error.
    """

    ratios: np.ndarray[Any, Any]
    floors: np.ndarray[Any, Any]
    exponent: float
    exponent_error: float


def noise_floors(
    problem: Problem,
    ratios: Sequence[float],
    *,
    rho: float = 1.0,
    batch_size: int = 8,
    steps: int = 4000,
    beta: float = 0.0,
    seed: int = 0,
) -> NoiseFloors:
    r"""Run SOFIM from the optimum with random batches and return its root mean square error for each η/ρ.

    Near the optimum it is gradient descent with step size a = η/ρ and noise of covariance Σ/B, for which
    :math:`E\|\Delta\|^2 \to \tfrac{a}{2B} \operatorname{tr}(\Sigma H^{-1})\,(1 + O(a))`: the floor rises with the root
    of η/ρ, an exponent of ½.

    Parameters
    ----------
    problem : Problem
        With an optimum.
    ratios : sequence of float
        The values of η/ρ.
    rho : float
        ρ, from which η follows. It must be far above the squared norm of a batch's gradient: otherwise C is not close
        to ρI, and the exponent is another.
    batch_size, steps : int
        Examples in a step, drawn with replacement; the steps of each run, of which the second half counts.
    beta : float
        The moment's β.
    seed : int
        What batches are drawn from.

    Returns
    -------
    NoiseFloors
    """
    from scipy.stats import linregress

    target = problem.optimum()
    floors = []
    for ratio in ratios:
        sofim, rng = SOFIM(lr=ratio * rho, rho=rho, beta=beta), np.random.default_rng(seed)
        w, state, squares = target, sofim.init(target), 0.0
        for taken in range(steps):
            rows = from_numpy(rng.integers(problem.size, size=batch_size), like=target)
            w, state = sofim.step(w, state, problem.oracle(w, rows))
            if 2 * taken >= steps:
                squares += float(norm(w - target)) ** 2
        floors.append((squares / (steps // 2)) ** 0.5)
    fit = linregress(np.log(ratios), np.log(floors))
    return NoiseFloors(np.asarray(ratios), np.asarray(floors), float(fit.slope), float(fit.stderr))
