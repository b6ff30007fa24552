"""The linear-quadratic bound on the error after each step of a run, beside the error itself."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.arrays.validation import an_instance
from sofim_ref.convergence.host_loss import LONG, host_loss
from sofim_ref.convergence.reasons import (
    BELOW_ROUNDING,
    DECAY,
    MOMENTUM,
    OVERFLOW,
    SEARCH,
    UNKNOWN,
    UNMOVED,
    UNSETTLED,
    UNSOLVED,
)
from sofim_ref.convergence.replay import SINGULAR, ReplayedStep, UnreplayedStepError, differ, replay, stored_points
from sofim_ref.convergence.rounding import deviation
from sofim_ref.convergence.settled_optimum import settled_optimum
from sofim_ref.convergence.spectral import UNIT, step_norms
from sofim_ref.matrices import MatrixFree
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Constants, Problem
from sofim_ref.problems.point import check_point
from sofim_ref.training.trace import Trace

Numbers = np.ndarray[Any, Any]


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
        By how much rounding alone can move `next_error` against `bound`; NaN where the theorem doesn't apply.
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
        return np.asarray([not reason for reason in self.reasons], dtype=bool)

    @property
    def covered(self) -> Numbers:
        """Whether the bound says something about a step: the theorem applies, and the bound exceeds `rounding`."""
        return np.asarray(self.applies & (self.bound > self.rounding))

    @property
    def decided(self) -> Numbers:
        """Whether the bound alone decides a step: the next error is on one side of it by more than `rounding`."""
        return np.asarray(self.applies & (np.abs(self.next_error - self.bound) > self.rounding))

    @property
    def reason(self) -> str:
        """What isn't certified, in words: the number of steps that the bound doesn't cover, by reason.

        Either the theorem doesn't apply to a step, or rounding exceeds the bound. Empty if every step is covered.
        """
        if not self.reasons:
            return UNMOVED
        covered = zip(self.reasons, self.covered, strict=True)
        counted = Counter(reason or BELOW_ROUNDING for reason, is_covered in covered if not is_covered)
        return "; ".join(f"{number} of {len(self.reasons)} steps: {reason}" for reason, number in counted.items())

    @property
    def holds(self) -> bool | None:
        """Whether the steps to which the theorem applies ended within the bound, up to rounding.

        False with the first that didn't; None, which is neither, if no step is covered: `reason` says why.
        """
        if np.any(self.next_error > self.bound + self.rounding, where=self.applies):
            return False
        return True if self.covered.any() else None


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
        If the problem doesn't know its optimum and none is given; if an argument is of another kind than above.
    ValueError
        If there is no unique optimum, with cause and remedy; if a trace lacks points, with the option that stores them;
        if a point or the optimum is not of shape (d,).

    Notes
    -----
    A step to which the theorem doesn't apply (momentum, minibatches, a line search that shortened it, weight decay, a
    loss without proved constants, a C that is not positive definite in the arithmetic at hand) has a reason in words,
    its `xi1`, which is a fact about C and the Hessian, and no bound. SOFIM with β = 0 is covered, as are gradient
    descent, natural gradient and Newton.

    Everything is computed on the host, sums in the longest float. `rounding` is the sum of

    - the step's own, ‖w⁺ − (w − ηC⁻¹∇f(w))‖: measured, not estimated, from the residual C (w − w⁺) − η∇f(w);
    - (1 + ξ₁ + 2ξ₂‖Δ‖) times the distance between w*, which Newton's method settles first, and the true optimum;
    - ‖Δ‖ times the error of ξ₁, mostly the condition number of C times the backward error of its `solve`;
    - ½ηM‖Δ‖² times the error of ‖C⁻¹‖, which is that of C's smallest eigenvalue, and ξ₂‖Δ‖² times that of M.

    What gradient and Hessian round in the longest float is derived from each likelihood's own rounding and the sizes of
    what is added, see `convergence.host_loss`; for a loss that isn't one of this library's over a linear model, nor
    quadratic, it is estimated.

    Cost of a step: its own again, its gradient in the longest float, ξ₁ and ‖C⁻¹‖: O(d³) up to d = `DENSE`, 200
    products beyond. There `xi1` is an upper bound, at most 1.4 % too large, and wrong with probability 1e-12.

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
    an_instance("problem", problem, Problem, "sofim_ref.problems has some")
    an_instance("optimizer", optimizer, Optimizer, "sofim_ref.SGD() is one")
    if constants is not None:
        an_instance("constants", constants, Constants, "problem.constants() returns them")
    run = stored_points(points, problem)
    target = problem.optimum() if optimum is None else optimum
    check_point("optimum", target, problem)
    with np.errstate(all="ignore"):  # what overflows is a reason in words
        return _bounds(problem, optimizer, run, target, constants)


def _bounds(
    problem: Problem, optimizer: Optimizer[Any], run: Sequence[Array], target: Array, constants: Constants | None
) -> LinearQuadratic:
    loss, center = host_loss(problem, target), to_numpy(target)
    lengths = np.asarray([_distance(to_numpy(w), center) for w in run[:-1]])
    radius = float(np.max(lengths, where=np.isfinite(lengths), initial=0.0))
    radius += 1e-6 * (radius + float(np.linalg.norm(center)))  # for the way to the true optimum, and rounding
    known, off_M = loss.constants(center, radius) if constants is None else (constants, 0.0)
    settled, off = settled_optimum(loss, center, known)
    M = np.nan if known.hessian_lipschitz is None else known.hessian_lipschitz
    inside = off < np.inf and (constants is not None or off + _distance(settled, center) <= radius)
    rows, reasons, norms = [], [], None
    taken = zip(itertools.pairwise(run), _steps(problem, optimizer, run), strict=True)
    for t, ((before, after), step) in enumerate(taken):
        w, following = to_numpy(before), to_numpy(after)
        e, e_next = _distance(w, settled), _distance(following, settled)
        if isinstance(step, str):
            rows.append((e, e_next, *[np.nan] * 4))
            reasons.append(step)
            continue
        rate = step.rate
        norms = step_norms(step.matrix, rate, loss, w, norms)
        xi1, xi2 = norms.xi1, 0.5 * rate * M * norms.inverse
        xi2_error = 0.5 * rate * M * norms.inverse_error + xi2 * (off_M + 4 * UNIT)
        bound = xi1 * e + xi2 * e * e
        reason = (
            _inapplicable(step, optimizer.rate_at(t))
            or (UNKNOWN if np.isnan(M) else norms.reason)
            or (UNSETTLED if not inside else "")
        )
        rounding = np.nan
        if not reason:
            rounding = (
                deviation(norms, loss, w, following, rate)
                + (1 + xi1 + norms.xi1_error + (xi2 + xi2_error) * (2 * e + off)) * off
                + (norms.xi1_error + xi2_error * e) * e
                + 4 * UNIT * (e_next + bound)
            )
            reason = "" if np.isfinite(bound + rounding) else OVERFLOW
        rows.append((e, e_next, xi1, xi2, *((np.nan, np.nan) if reason else (bound, rounding))))
        reasons.append(reason)
    error, next_error, xi1s, xi2s, bounds, roundings = np.reshape(rows, (-1, 6)).T
    return LinearQuadratic(error, next_error, xi1s, xi2s, bounds, roundings, tuple(reasons), known, radius)


def _inapplicable(step: ReplayedStep, lr: float) -> str:
    """Return why a step is not w − ηC⁻¹∇f(w), with η as its schedule gives it; empty if it is."""
    v = step.vector
    if step.reason == SINGULAR:
        return SINGULAR
    if differ(v, step.oracle.gradient(), scale=0.0 * v):
        return MOMENTUM
    if step.decay:
        return DECAY
    if step.rate not in (0.0, lr):
        return SEARCH
    if isinstance(step.matrix, MatrixFree) and differ(step.matrix.matvec(step.direction), v, scale=v):
        return UNSOLVED
    return step.reason


def _steps(problem: Problem, optimizer: Optimizer[Any], run: Sequence[Array]) -> Iterator[ReplayedStep | str]:
    """Yield the steps of a run; for one that the method refuses to take again, and all after it, the reason."""
    done = 0
    if len(run) == 1:  # a trace without a step
        return
    try:
        for step in replay(problem, optimizer, run):
            done += 1
            yield step
    except UnreplayedStepError as error:
        yield from [str(error)] * (len(run) - 1 - done)


def _distance(w: Numbers, target: Numbers) -> float:
    return float(np.linalg.norm(w.astype(LONG) - target))
