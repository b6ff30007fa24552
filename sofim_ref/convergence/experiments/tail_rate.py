"""The rate of SOFIM's last steps, which are gradient descent's, against the prediction from the Hessian's spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, from_numpy, to_numpy
from sofim_ref.convergence import linear_quadratic_bound, order_of_convergence
from sofim_ref.convergence.host_loss import hessian
from sofim_ref.optimizers import SOFIM
from sofim_ref.problems import Problem
from sofim_ref.training.minimize import minimize


@dataclass(frozen=True)
class TailRate:
    """The measured and the predicted rate of SOFIM's tail.

    Parameters
    ----------
    rho, lr : float
        SOFIM's.
    measured : float
        The factor by which the error shrinks in a step, over the last half of the steps above the floor.
    predicted : float
        max(|1 − ημ/ρ|, |1 − ηL/ρ|), μ and L the extreme eigenvalues of the Hessian at the optimum.
    """

    rho: float
    lr: float
    measured: float
    predicted: float


def tail_rate(
    problem: Problem, rho: float, *, lr: float | None = None, far: float = 1e-3, steps: int = 400
) -> TailRate:
    r"""Run SOFIM with β = 0 from near the optimum, and return the rate of its tail and the predicted one.

    .. math:: \max(|1 - \eta\mu/\rho|,\ |1 - \eta L/\rho|)

    The gradient vanishes, so C tends to ρI, and the step to gradient descent's with step size η/ρ.

    Parameters
    ----------
    problem : Problem
        With an optimum; it offers hvp.
    rho : float
        SOFIM's ρ.
    lr : float, optional
        η; if not given, ρ/L, whose rate is 1 − μ/L.
    far : float
        The distance from the optimum at the start: along the eigenvector that the prediction names, and a tenth of it
        along each of the others, so that the tail is reached before the floor even where eigenvalues lie close.
    steps : int
        The budget.

    Returns
    -------
    TailRate

    Raises
    ------
    ValueError
        If too few steps stay above the floor for a rate to be fitted.
    """
    target = problem.optimum()
    eigenvalues, vectors = np.linalg.eigh(to_numpy(hessian(problem.oracle(target))).astype(np.float64))
    mu, L = float(eigenvalues[0]), float(eigenvalues[-1])
    lr = rho / L if lr is None else lr
    sofim = SOFIM(lr=lr, rho=rho, beta=0.0)
    slow = 0 if abs(1 - lr * mu / rho) >= abs(1 - lr * L / rho) else -1
    start = 0.9 * vectors[:, slow] + 0.1 * np.sum(vectors, axis=1)
    w0: Array = target + from_numpy(far * start / np.linalg.norm(start), like=target)
    trace = minimize(problem, sofim, steps=steps, w0=w0, store_points=True, on_interrupt="raise")
    found = linear_quadratic_bound(problem, sofim, trace, optimum=target)
    errors = np.append(found.error, found.next_error[-1])
    tail = order_of_convergence(errors, order=1, floor=1e-9 * far)
    return TailRate(rho, lr, tail.rate, max(abs(1 - lr * mu / rho), abs(1 - lr * L / rho)))
