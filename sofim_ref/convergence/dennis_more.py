"""The Dennis–Moré ratio: how far the steps of a run are from Newton's, in units of the Hessian."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import an_instance
from sofim_ref.convergence.replay import stored_points
from sofim_ref.problems import Oracle, Problem
from sofim_ref.problems.point import check_point
from sofim_ref.training.trace import Trace


def dennis_more(
    problem: Problem, points: Trace | Sequence[Array], *, optimum: Array | None = None
) -> np.ndarray[Any, Any]:
    r"""Return the Dennis–Moré ratio of every step: the residual of Newton's equation at w*, per length of the step.

    .. math:: \frac{\|\nabla f(w_t) + H_* s_t\|}{\|s_t\|}, \qquad s_t = w_{t+1} - w_t, \qquad H_* = \nabla^2 f(w_*) .

    Any sequence that converges to w* does so superlinearly if and only if the ratio tends to 0, however its steps are
    made: with momentum, weight decay, a line search or minibatches. For a step w − ηC⁻¹∇f(w) it is
    ‖(C/η − H*)s‖/‖s‖, the error of C/η as the Hessian along the step.

    Parameters
    ----------
    problem : Problem
        That offers hvp, and has an optimum unless one is given.
    points : Trace or sequence of array, shape (d,)
        A trace with the point of every step from the first on, or the points.
    optimum : array, shape (d,), optional
        The point w*; ``problem.optimum()`` if not given. Any point will do where the gradient vanishes and the Hessian
        is regular.

    Returns
    -------
    array, shape (T,)
        In units of the Hessian; NaN for a step of length 0, infinite where numbers overflow. Empty for a trace without
        a step.

    Raises
    ------
    TypeError, ValueError
        If a trace has no points, or not those of every step; if the problem knows no optimum, or none is unique; if a
        point or the optimum is not of shape (d,).

    Notes
    -----
    On a quadratic the ratio is :math:`\|\nabla f(w_{t+1})\| / \|s_t\|`; in general the numerator is
    :math:`H_* (w_{t+1} - w_*)` up to :math:`o(\|w_t - w_*\|)`, from which the theorem follows if :math:`H_*` is
    regular. A run that stands still away from w* again and again is not superlinear, whatever its other ratios are.

    Limits, with ρ and η SOFIM's and λ over the eigenvalues of H*:

    - SOFIM with the gradient for v: C tends to ρI, so the ratio ends between min |ρ/η − λ| and max |ρ/η − λ|; from
      almost every start it tends to the latter, ρ/η times the rate of convergence.
    - Heavy ball on a quadratic, with step size α: the ratio is ‖βs − s⁺‖/(α‖s‖). If among the roots of all
      q² − (1 + β − αλ)q + β the largest in modulus is real, it tends to |q − β|/α from almost every start. If it is
      complex, errors swing through 0 and the ratio has no limit; in one dimension its geometric mean tends to √(βλ/α).
    - SOFIM with a moment for v: as heavy ball with α = (1 − β)η/ρ.

    Rounding: the gradient's, about eps ‖H*‖‖w‖, is divided by ‖s‖. Steps nearly as short as eps ‖w‖, the last ones of
    a run that reaches its optimum, have ratios that are noise.

    Cost: a gradient and a Hessian-vector product a step.

    Source: Dennis & Moré 1974, doi:10.1090/S0025-5718-1974-0343581-1, theorem 2.2, whose proof needs no C.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> problem = sr.problems.Quadratic(np.diag([1.0, 3.0]), np.zeros(2))
    >>> dennis_more(problem, [np.asarray([1.0, 0.0]), np.asarray([0.5, 0.0])])  # gradient descent: 1/η − 1
    array([1.])
    """
    an_instance("problem", problem, Problem, "sofim_ref.problems has some")
    points = stored_points(points, problem)
    target = problem.optimum() if optimum is None else optimum
    check_point("optimum", target, problem)
    at_optimum = problem.oracle(target)
    with np.errstate(all="ignore"):  # what overflows is infinite
        steps = itertools.pairwise(points)
        return np.asarray([_ratio(problem.oracle(w).gradient(), after - w, at_optimum) for w, after in steps])


def _ratio(g: Array, s: Array, at_optimum: Oracle) -> float:
    length = float(norm(s))
    if length == 0:
        return np.nan
    ratio = float(norm(g / length + at_optimum.hvp(s / length)))
    return ratio if np.isfinite(ratio) else np.inf
