"""The Dennis–Moré ratio: how far C/η differs from the Hessian along the error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import an_instance
from sofim_ref.convergence.replay import ReplayedStep, replay, stored_points
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Oracle, Problem
from sofim_ref.training.trace import Trace


def dennis_more(
    problem: Problem, optimizer: Optimizer[Any], points: Trace | Sequence[Array], *, optimum: Array | None = None
) -> np.ndarray[Any, Any]:
    r"""Return the Dennis–Moré ratio of every step of a run: the error of C/η as the Hessian at the optimum.

    .. math:: \frac{\|(C/\eta - \nabla^2 f(w_*))\, \Delta\|}{\|\Delta\|}, \qquad \Delta = w - w_* .

    A run converges superlinearly if and only if the ratio tends to 0. For SOFIM its limit lies between |ρ/η − μ| and
    |ρ/η − L|: as the gradient vanishes, C tends to ρI.

    Parameters
    ----------
    problem : Problem
        That offers hvp, and has an optimum unless one is given.
    optimizer : Optimizer
        The one that ran.
    points : Trace or sequence of array, shape (d,)
        As in `linear_quadratic_bound`.
    optimum : array, shape (d,), optional
        The point w*.

    Returns
    -------
    array, shape (T,)
        In units of the Hessian; NaN at the optimum itself, infinite where numbers overflow. Empty for a trace without a
        step.

    Raises
    ------
    TypeError, ValueError
        As `replay` does, and if the problem knows no optimum, or none is unique.

    Notes
    -----
    Each step costs one more Hessian-vector product, and a product with C. The theorem doesn't cover momentum: there
    the ratio is only what the formula says.

    Source: Dennis & Moré 1974, doi:10.1090/S0025-5718-1974-0343581-1, theorem 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> problem = sr.problems.Quadratic(np.diag([1.0, 3.0]), np.zeros(2))
    >>> sgd = sr.SGD(lr=0.5)
    >>> dennis_more(problem, sgd, [np.asarray([1.0, 0.0]), np.asarray([0.5, 0.0])])  # 1/η − 1
    array([1.])
    """
    an_instance("problem", problem, Problem, "sofim_ref.problems has some")
    an_instance("optimizer", optimizer, Optimizer, "sofim_ref.SGD() is one")
    stored_points(points, problem)  # what is wrong with them is said before an optimum is sought
    target = problem.optimum() if optimum is None else optimum
    at_optimum = problem.oracle(target)
    with np.errstate(all="ignore"):  # what overflows is infinite
        return np.asarray([_ratio(step, at_optimum) for step in replay(problem, optimizer, points)])


def _ratio(step: ReplayedStep, at_optimum: Oracle) -> float:
    delta = step.oracle.w - at_optimum.w
    length = float(norm(delta))
    if length == 0:
        return np.nan
    ratio = float(norm(step.matrix.matvec(delta) / step.rate - at_optimum.hvp(delta))) / length
    return ratio if np.isfinite(ratio) else np.inf
