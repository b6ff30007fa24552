"""The linear-quadratic bound on the error after each step of a run, beside the error itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.arrays.validation import an_instance
from sofim_ref.convergence.error_space import bounds_of_errors
from sofim_ref.convergence.host_loss import LONG, host_loss
from sofim_ref.convergence.linear_quadratic import LinearQuadratic
from sofim_ref.convergence.moment_space import bounds_with_moment
from sofim_ref.convergence.reasons import UNSETTLED
from sofim_ref.convergence.reference import reference
from sofim_ref.convergence.replay import ReplayedStep, UnreplayedStepError, replay, stored_points
from sofim_ref.convergence.run import Run
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Constants, Problem
from sofim_ref.problems.point import check_point
from sofim_ref.training.trace import Trace


def linear_quadratic_bound(  # noqa: PLR0913  # a run, and what else is known of it
    problem: Problem,
    optimizer: Optimizer[Any],
    points: Trace | Sequence[Array],
    *,
    optimum: Array | None = None,
    constants: Constants | None = None,
    batches: Sequence[Array] | None = None,
) -> LinearQuadratic:
    r"""Return the linear-quadratic bound on the error after every step of a run, and the error itself.

    .. math:: \|\Delta^+\| \le \xi_0 + \xi_1 \|\Delta\| + \xi_2 \|\Delta\|^2, \qquad \Delta = w - w_* .

    For :math:`w^+ = w - \eta C^{-1} \nabla f(w)` with any symmetric positive definite C

    .. math:: \xi_0 = 0, \quad \xi_1 = \|I - \eta C^{-1} \nabla^2 f(w)\|_2, \quad
              \xi_2 = \tfrac12 \eta\, M \|C^{-1}\|_2 :

    the gradient is :math:`\bar H \Delta`, with :math:`\bar H` the mean Hessian on the way from :math:`w_*` to w, so

    .. math:: \Delta^+ = (I - \eta C^{-1} \nabla^2 f(w)) \Delta + \eta C^{-1} (\nabla^2 f(w) - \bar H) \Delta , \quad
              \|\nabla^2 f(w) - \bar H\|_2 \le \tfrac12 M \|\Delta\| .

    Weight decay κ and the error e of a minibatch's gradient make
    :math:`\xi_0 = \|\eta C^{-1} e + \eta\kappa w_*\|`, and ξ₁ the norm of that matrix less ηκI. Where v is a moment
    M of the gradients a step is linear in z = (Δ, M), up to ‖Δ‖², and the bound is

    .. math:: \|z^+\|_P \le \xi_0 + \xi_1 \|z\|_P + \xi_2 \|\Delta\|^2, \qquad \|\Delta\| \le \|z\|_P ,

    in a norm that is chosen once for the run: see `convergence.moment_space`, and docs/theory/moment.md for SOFIM and
    heavy ball, whose norm has a closed form.

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
        ``problem.constants(w*, radius)`` if not given. Around a network's minimum nobody has proved any, see
        `observed_constants`.
    batches : sequence of integer array, optional
        The rows of each step's minibatch; a trace keeps its own.

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
    A step to which the theorem doesn't apply (a loss without proved constants, a C that is not positive definite in
    the arithmetic at hand, a v that is neither the gradient nor a moment that the method declares by
    `Optimizer.averaging`) has a reason in words, its `xi1`, which is a fact about C and the Hessian, and no bound.

    For SOFIM (moment), heavy ball and Nesterov's method in any run, and for the moment with any C up to d = 200, the
    bound is a certificate of the run: C, and with Adam and its like the norm, are the run's own. What holds before a
    run, SOFIM's radius and rate, is `predict`'s. Shortened steps of a line search have their own η. Where the Hessian
    at the optimum is singular, as for least squares without l2, the error is that in its range, and `assumes` says so.
    A moment's run is measured from the computed optimum, whose gradient is a disturbance like any other, so that
    nothing need be known of its distance to the true one.

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
    w = stored_points(points, problem)
    if batches is not None and isinstance(points, Trace):
        msg = "batches must be left out beside a trace, which has its own: give trace.points to say others."
        raise ValueError(msg)
    target = _known_optimum(problem) if optimum is None else optimum
    check_point("optimum", target, problem)
    with np.errstate(all="ignore"):  # what overflows is a reason in words
        loss, center = host_loss(problem, target), to_numpy(target)
        run = followed(problem, optimizer, w, points.batches if isinstance(points, Trace) else batches)
        found = None if run.remembers else bounds_of_errors(loss, run, center, constants)
        if found is not None and UNSETTLED not in found.reasons:
            return found
        about = reference(loss, center, run.points[0])
        if found is None or (not isinstance(about, str) and about.assumes):
            return bounds_with_moment(loss, run, center, about, constants)
        return found


def _known_optimum(problem: Problem) -> Array:
    try:
        return problem.optimum()
    except ValueError as error:
        msg = f"{error} One of several minimizers can be given as `optimum`: the error is that in the Hessian's range."
        raise ValueError(msg) from error


def followed(
    problem: Problem, optimizer: Optimizer[Any], points: Sequence[Array], batches: Sequence[Array] | None
) -> Run:
    """Return the run on the host, with its steps as far as the method takes them again."""
    steps: list[ReplayedStep] = []
    refusal = ""
    try:
        for step in replay(problem, optimizer, points, batches=batches) if len(points) > 1 else ():
            steps.append(step)  # noqa: PERF402  # those before a step that is refused are kept
    except UnreplayedStepError as error:
        refusal = str(error)
    return Run(np.stack([to_numpy(w).astype(LONG) for w in points]), tuple(steps), refusal)
