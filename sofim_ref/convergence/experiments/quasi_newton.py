"""Superlinear convergence without the Hessian: L-BFGS with all its pairs, against L-BFGS that forgets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.sums import norm
from sofim_ref.convergence import dennis_more
from sofim_ref.optimizers import LBFGS
from sofim_ref.problems import Problem
from sofim_ref.training.minimize import minimize

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class QuasiNewton:
    """A run of L-BFGS: its errors, and its Dennis–Moré ratios.

    Parameters
    ----------
    history : int
        The number of pairs kept.
    error : array, shape (T + 1,)
        ‖w − w*‖ at every point.
    dennis_more : array, shape (T,)
        The Dennis–Moré ratio of every step.
    """

    history: int
    error: Numbers
    dennis_more: Numbers


def quasi_newton(
    problem: Problem, history: int, *, steps: int = 100, w0: Array | None = None, tolerance: float = 1e-14
) -> QuasiNewton:
    r"""Run L-BFGS with a line search, and return its errors and its Dennis–Moré ratios.

    With all its pairs, ``history=steps``, its matrix learns how the Hessian acts along the steps, and the ratio falls:

    .. math:: \frac{\|(C/\eta - \nabla^2 f(w_*))\, s\|}{\|s\|} \to 0, \qquad s = w^+ - w,

    which is superlinear convergence, though C itself need not tend to the Hessian. With a few pairs
    it forgets in every step what it learned: in general the ratio stays away from 0, and convergence is linear.

    Parameters
    ----------
    problem : Problem
        Strongly convex, with an optimum; it offers hvp. The fewer parameters it has, the sooner the ratio falls. A run
        of float64 has 16 digits to show it in; on a quadratic whose optimum is 0 it has 300.
    history : int
        The number of pairs kept.
    steps : int
        The budget.
    w0 : array, shape (d,), optional
        Where the run begins; at ``problem.initial_point()`` if not given.
    tolerance : float
        The run ends where the gradient's norm is at most this.

    Returns
    -------
    QuasiNewton

    Notes
    -----
    It is proved for BFGS, which updates the matrix that it had; L-BFGS starts each matrix anew from the newest pair's
    yᵀy/sᵀy, so that with all its pairs it is close to BFGS, and not equal.

    Source: Dennis & Moré 1974, doi:10.1090/S0025-5718-1974-0343581-1, for the ratio; Nocedal & Wright 2006, §6.4 for
    BFGS and §7.2 for L-BFGS.
    """
    target = problem.optimum()
    trace = minimize(
        problem,
        LBFGS(history=history),
        steps=steps,
        w0=w0,
        tolerance=tolerance,
        store_points=True,
        on_interrupt="raise",
    )
    errors = np.asarray([float(norm(w - target)) for w in trace.points or ()])
    return QuasiNewton(history, errors, dennis_more(problem, trace, optimum=target))
