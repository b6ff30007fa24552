"""The linear-quadratic bound on the error after each step of a run, beside the error itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.sums import norm
from sofim_ref.convergence import spectral
from sofim_ref.convergence.replay import ReplayedStep, replay, stored_points
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Constants, Problem
from sofim_ref.training.trace import Trace

Numbers = np.ndarray[Any, Any]

OVERFLOW = "the point is so far away that the bound overflows"
UNKNOWN = "no Lipschitz constant of the Hessian is proved here: the bound would be a guess"


@dataclass(frozen=True, eq=False)
class LinearQuadratic:
    r"""The linear-quadratic bound of a run and its terms: one entry a step, on the host.

    Parameters
    ----------
    error, next_error : array, shape (T,)
        :math:`\|\Delta\| = \|w - w_*\|` before and after each step.
    xi1, xi2 : array, shape (T,)
        The coefficients; ξ₂ is NaN where no constant is known.
    bound : array, shape (T,)
        ξ₁‖Δ‖ + ξ₂‖Δ‖²; NaN where the theorem doesn't apply.
    rounding : array, shape (T,)
        By how much rounding alone can make `next_error` exceed `bound`.
    reasons : tuple of str
        Why the theorem doesn't apply to a step; empty where it does.
    constants : Constants
        The constants of the problem that were used.
    radius : float
        Of the ball around the optimum in which the constants hold: the largest error before a step.
    """

    error: Numbers
    next_error: Numbers
    xi1: Numbers
    xi2: Numbers
    bound: Numbers
    rounding: Numbers
    reasons: tuple[str, ...]
    constants: Constants
    radius: float

    @property
    def applies(self) -> Numbers:
        """Whether the theorem applies, step by step."""
        return np.asarray([not reason for reason in self.reasons])

    @property
    def reason(self) -> str:
        """The number of steps to which the theorem doesn't apply, by reason, in words; empty if it applies to all."""
        counted = Counter(reason for reason in self.reasons if reason)
        T = len(self.reasons)
        return "; ".join(f"{number} of {T} steps: {reason}" for reason, number in counted.items())

    @property
    def holds(self) -> bool:
        """Whether every step to which the theorem applies ended within the bound, up to rounding."""
        return bool(np.all(self.next_error <= self.bound + self.rounding, where=self.applies))


def linear_quadratic_bound(
    problem: Problem,
    optimizer: Optimizer[Any],
    points: Trace | Sequence[Array],
    *,
    optimum: Array | None = None,
    constants: Constants | None = None,
) -> LinearQuadratic:
    r"""Return the linear-quadratic bound on the error after every step of a run, and the error itself.

    .. math:: \|\Delta^+\| \le \xi_1 \|\Delta\| + \xi_2 \|\Delta\|^2, \qquad
              \xi_1 = \|I - \eta C^{-1} \nabla^2 f(w)\|_2, \quad
              \xi_2 = \tfrac12 \eta\, M \|C^{-1}\|_2, \quad \Delta = w - w_* .

    It holds for :math:`w^+ = w - \eta C^{-1} \nabla f(w)` with any symmetric positive definite C: the gradient is
    :math:`\bar H \Delta`, with :math:`\bar H` the mean Hessian on the way from :math:`w_*` to w, so

    .. math:: \Delta^+ = (I - \eta C^{-1} \nabla^2 f(w)) \Delta + \eta C^{-1} (\nabla^2 f(w) - \bar H) \Delta , \qquad
              \|\nabla^2 f(w) - \bar H\|_2 \le \tfrac12 M \|\Delta\| .

    Parameters
    ----------
    problem : Problem
        With an `optimum` and `constants`, unless they are given.
    optimizer : Optimizer
        The one that ran: its C, v and η are computed again at each point.
    points : Trace or sequence of array, shape (d,)
        A trace that stores the point of every step, or consecutive points.
    optimum : array, shape (d,), optional
        The point w*; ``problem.optimum()`` if not given.
    constants : Constants, optional
        ``problem.constants(w*, radius)`` if not given.

    Returns
    -------
    LinearQuadratic

    Raises
    ------
    TypeError
        If the problem doesn't know its optimum and none is given.
    ValueError
        If there is no unique optimum, with cause and remedy; if a trace lacks points, with the option that stores them.

    Notes
    -----
    A step to which the theorem doesn't apply (momentum, minibatches, a line search that shortened it, weight decay, a
    loss without proved constants) has a reason in words, its `xi1`, which is a fact about C and the Hessian, and no
    bound. SOFIM with β = 0 is covered, as are gradient descent, natural gradient and Newton.

    `rounding` is what double or single precision may add. With u the dtype's eps and κ the condition number of C: the
    gradient is off by (N + d) u (L‖w‖ + s), s being the mean length of the examples' gradients; the solve by 16 √d κ u
    ‖C⁻¹v‖, the step itself by 2u (‖w‖ + ‖w*‖ + η‖C⁻¹v‖); w* by u‖w*‖ and its own gradient's rounding over μ, which
    counts in ‖Δ‖ on both sides; ξ₁ by 16 d u (1 + η‖C⁻¹‖ L κ). Factors are generous, the orders are not.

    Cost of a step: its own again, ξ₁ and ‖C⁻¹‖: O(d³) up to d = `DENSE`, products beyond.

    Source: the bound is claimed for SOFIM by Sen et al. 2024, arXiv 2403.02833, with constants of their own, which are
    open here; this is the standard argument, see Erdogdu & Montanari 2015, arXiv 1508.02810.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> from sofim_ref.convergence import linear_quadratic_bound
    >>> problem = sr.problems.Quadratic(np.diag([1.0, 3.0]), np.zeros(2))
    >>> trace = sr.minimize(problem, sr.SGD(lr=0.5), steps=2, w0=np.ones(2), store_points=True)
    >>> found = linear_quadratic_bound(problem, sr.SGD(lr=0.5), trace)
    >>> found.xi1, found.holds
    (array([0.5, 0.5]), True)
    """
    run = stored_points(points)
    target = problem.optimum() if optimum is None else optimum
    radius = max(float(norm(w - target)) for w in run[:-1])
    known = problem.constants(target, radius) if constants is None else constants
    steps = list(replay(problem, optimizer, run))
    xi1 = np.asarray([spectral.contraction(step.matrix, step.rate, step.oracle) for step in steps])
    inverses = np.asarray([spectral.inverse_norm(step.matrix) for step in steps])
    rates = np.asarray([step.rate for step in steps])
    M = known.hessian_lipschitz
    xi2 = 0.5 * rates * inverses * (np.nan if M is None else M)
    error = np.asarray([float(norm(step.oracle.w - target)) for step in steps])
    with np.errstate(over="ignore", invalid="ignore"):
        limit = xi1 * error + xi2 * error**2
        rounding = _rounding(problem, known, steps, target, (error, xi1, np.nan_to_num(xi2), inverses))
    computed = np.isfinite(limit + rounding)
    reasons = tuple(
        step.reason or (UNKNOWN if M is None else "" if fine else OVERFLOW)
        for step, fine in zip(steps, computed, strict=True)
    )
    bound = np.where([not reason for reason in reasons], limit, np.nan)
    return LinearQuadratic(
        error=error,
        next_error=np.asarray([float(norm(step.following - target)) for step in steps]),
        xi1=xi1,
        xi2=xi2,
        bound=bound,
        rounding=rounding,
        reasons=reasons,
        constants=known,
        radius=radius,
    )


def _rounding(
    problem: Problem, known: Constants, steps: Sequence[ReplayedStep], target: Array, found: Sequence[Numbers]
) -> Numbers:
    """Return what rounding may add to each next error, as the notes of `linear_quadratic_bound` say."""
    error, xi1, xi2, inverses = found
    u = eps(namespace(target), target.dtype)
    L, mu = known.L or 0.0, known.mu or 0.0
    at_target = (problem.size + problem.dim) * u * _scale(problem.oracle(target), L)
    off = u * float(norm(target)) + (at_target / mu if mu > 0 else 0.0)
    allowed = []
    for step, e, contracted, quadratic, inverse in zip(steps, error, xi1, xi2, inverses, strict=True):
        direction, w = float(norm(step.direction)), float(norm(step.oracle.w))
        kappa = inverse * float(norm(step.vector)) / direction if direction > 0 else 1.0
        kappa = max(1.0, kappa, inverse * _largest(step))
        gradient = step.rate * inverse * (problem.size + problem.dim) * u * _scale(step.oracle, L)
        solve = step.rate * 16 * problem.dim**0.5 * kappa * u * direction
        step_itself = 2 * u * (w + float(norm(target)) + step.rate * direction)
        measured = (1 + contracted + quadratic * (2 * e + off)) * off
        xi = 16 * problem.dim * u * (1 + step.rate * inverse * L * kappa) * e
        allowed.append(gradient + solve + step_itself + measured + xi)
    return np.asarray(allowed)


def _scale(oracle: Any, L: float) -> float:
    """Return L‖w‖ plus the norm of the gradient and the mean norm of the examples' gradients."""
    scale = L * float(norm(oracle.w)) + float(norm(oracle.gradient()))
    if "per_example_gradients" in oracle.offers:
        xp, G = namespace(oracle.w), oracle.per_example_gradients()
        scale += float(xp.mean(xp.sqrt(xp.vecdot(G, G))))
    return scale


def _largest(step: ReplayedStep) -> float:
    """Return C's largest eigenvalue, or where d is large ‖v‖/‖C⁻¹v‖, which is at most that."""
    if step.matrix.dim <= spectral.DENSE:
        return float(step.matrix.eigenvalues()[-1])
    return float(norm(step.vector)) / max(float(norm(step.direction)), 1e-300)
