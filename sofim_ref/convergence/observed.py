"""The Lipschitz constant of the Hessian that a run shows, where none is proved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.arrays.validation import an_instance
from sofim_ref.convergence.host_loss import LONG, host_loss
from sofim_ref.convergence.replay import stored_points
from sofim_ref.problems import Constants, Problem
from sofim_ref.problems.point import check_point
from sofim_ref.training.trace import Trace


def observed_constants(problem: Problem, points: Trace | Sequence[Array], *, optimum: Array) -> Constants:
    r"""Return the constants that the points of a run show around an optimum: nothing is proved by them.

    .. math:: M = \max_w \frac{2\, \|\nabla f(w) - \nabla f(w_*) - \nabla^2 f(w_*) \Delta\|}{\|\Delta\|^2},
              \qquad \Delta = w - w_* ,

    is the smallest M with which the remainder of the linearised gradient is within ½M‖Δ‖² at every point. A bound with
    it, around a network's minimum say, checks that the steps do what their linear part says; that other runs obey the
    same M is an assumption.

    Parameters
    ----------
    problem : Problem
        That offers hvp.
    points : Trace or sequence of array, shape (d,)
    optimum : array, shape (d,)
        The point w*: a minimum, up to rounding.

    Returns
    -------
    Constants
        Of which only `hessian_lipschitz` is known. What rounding may have added to a remainder is taken off.

    Raises
    ------
    TypeError, ValueError
        As `linear_quadratic_bound` does.

    Notes
    -----
    Cost: a gradient a point, and the Hessian at the optimum.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> value, gradient = lambda w: w @ w / 2 + w[0] ** 3, lambda w: w + 3 * w**2
    >>> f = sr.problems.Function(1, value, gradient, hvp=lambda w, v: (1 + 6 * w) * v)
    >>> points = [np.asarray([0.1]), np.asarray([0.05])]
    >>> round(observed_constants(f, points, optimum=np.zeros(1)).hessian_lipschitz, 9)
    6.0
    """
    an_instance("problem", problem, Problem, "sofim_ref.problems has some")
    check_point("optimum", optimum, problem)
    loss, center = host_loss(problem, optimum), to_numpy(optimum).astype(LONG)
    H, H_error = loss.hessian(center)
    start, start_error = loss.gradient(center)
    shown = [0.0]
    for w in stored_points(points, problem):
        delta = to_numpy(w).astype(LONG) - center
        length = float(np.linalg.norm(delta))
        gradient, error = loss.gradient(center + delta)
        remainder = float(np.linalg.norm(gradient - start - H @ delta)) - error - start_error - H_error * length
        if length > 0:
            shown.append(2 * remainder / length**2)
    return Constants(hessian_lipschitz=max(shown))
