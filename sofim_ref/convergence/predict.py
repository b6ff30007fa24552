"""From how far away a run converges, and how fast, said before the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, namespace, to_numpy
from sofim_ref.arrays.validation import an_instance, positive, shown
from sofim_ref.convergence.companion import CompanionNorm
from sofim_ref.convergence.heavy_ball import global_momentum
from sofim_ref.convergence.known_steps import adapted_steps, plain_steps
from sofim_ref.convergence.moment_method import check_stable, moment_method
from sofim_ref.convergence.near_optimum import check_near_optimum
from sofim_ref.convergence.prediction import Prediction
from sofim_ref.convergence.reasons import GIVEN, SINGULAR_HESSIAN
from sofim_ref.convergence.spectral import DENSE
from sofim_ref.convergence.theorems import Basin, Setting, basin
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Constants, Problem
from sofim_ref.problems.point import check_point

Numbers = np.ndarray[Any, Any]

SHORT = 0.99
"""The β up to which several norms are tried with bias correction; beyond, one."""

LONGEST = 0.9999
"""The largest β with bias correction."""


def predict(
    problem: Problem,
    optimizer: Optimizer[Any],
    *,
    optimum: Array | None = None,
    constants: Constants | None = None,
    rate: float | None = None,
) -> Prediction:
    r"""Return from how far away a run with a moment converges to the optimum, and how fast.

    Parameters
    ----------
    problem : Problem
        With an `optimum` and `constants`, unless they are given.
    optimizer : SOFIM or SGD
        SOFIM with β > 0 in the moment reading, one matrix for all parameters; or heavy ball. With a constant step size,
        without weight decay, on all examples.
    optimum : array, shape (d,), optional
        The point w*, up to 0.001 of the radius; ``problem.optimum()`` if not given.
    constants : Constants, optional
        Valid in the ball that is found, or everywhere. If not given, ``problem.constants()``; where these don't know M,
        those of the ball, so that the ball is as large as its own constants allow.
    rate : float, optional
        The rate to be promised, between r* and 1; if not given, half-way, (1 + r*)/2. The nearer to 1, the larger the
        radius.

    Returns
    -------
    Prediction
        By the theorem that gives the largest radius.

    Raises
    ------
    TypeError
        If the problem doesn't know its optimum and none is given; if an argument is of another kind than above.
    ValueError
        If no theorem is proved for the optimizer, no constants for the problem, the iteration is unstable at the
        optimum, or the gradient there shows that it is none: each with its reason.

    Notes
    -----
    SOFIM without bias correction is theorem A; with it the first steps are longer than later ones, theorems B and B′.
    Heavy ball is covered from any start where Lemma 4's rate is below 1, by theorem A elsewhere. Up to d = `DENSE` the
    eigenvalues are those of the Hessian at the optimum; beyond, and where the problem doesn't offer it, μ and L stand
    for them, and B′ is left out. If the loss is a singular quadratic, Δ is the part of w − w* in the range of its
    Hessian: ‖Δ‖ is the distance to the nearest minimizer.

    What is predicted holds in exact arithmetic, for the eigenvalues and constants as they are computed. Cost: the
    Hessian and its eigenvalues, then 5 norms (15 for B′) with 20 starts each.

    Source: docs/theory/moment.md.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> problem = sr.problems.Quadratic(np.diag([1.0, 4.0]), np.zeros(2))
    >>> found = predict(problem, sr.SGD(lr=0.2, momentum=0.1))
    >>> found.theorem, found.radius, round(found.rate, 3), found.steps_to(1e-6, start=1.0)
    ('global', inf, 0.77, 54)
    """
    an_instance("problem", problem, Problem, "sofim_ref.problems has some")
    an_instance("optimizer", optimizer, Optimizer, "sofim_ref.SOFIM() is one")
    if constants is not None:
        an_instance("constants", constants, Constants, "problem.constants() returns them")
    if rate is not None:
        positive("rate", rate)
    beta, step, rho = moment_method(optimizer)
    target = problem.optimum() if optimum is None else optimum
    check_point("optimum", target, problem)
    known, given = (problem.constants(), "") if constants is None else (constants, GIVEN)
    if math.isinf(rho) and known.mu is not None and known.L is not None and known.mu > 0:
        everywhere, factor, K = global_momentum(known.mu, known.L, beta, step)
        if everywhere < 1 and (rate is None or everywhere <= rate):
            check_near_optimum(problem, target, known.mu, math.inf)
            r = CompanionNorm(np.asarray([known.mu, known.L]), beta, step).spectral_radius
            return Prediction("global", math.inf, everywhere, factor, math.inf, K, r, assumes=given)
    ball = _constants(problem, target, known, given=constants is not None)
    eigenvalues, complete = _eigenvalues(problem, target, known)
    check_stable(step, beta, rho, float(eigenvalues[-1]))
    setting = Setting(eigenvalues, complete, beta, step, rho, ball)
    r = CompanionNorm(eigenvalues, beta, step).spectral_radius
    if 1 - r < 1e-13:
        msg = f"the iteration must contract in float64, got a spectral radius of 1 − {1 - r:.1g}: H is ill-conditioned."
        raise ValueError(msg)
    rate = (1 + r) / 2 if rate is None else rate
    if not r < rate < 1:
        msg = f"rate must be between the spectral radius {r:.6g} and 1, got {shown(rate)}."
        raise ValueError(msg)
    corrected = getattr(optimizer, "bias_correction", False)
    if corrected and beta > LONGEST:
        msg = (
            f"optimizer must have beta <= {LONGEST} with bias_correction, whose first steps are followed one by one, "
            f"got {beta:.7g}: without it there is no such limit."
        )
        raise ValueError(msg)
    best, *nearer = _largest_first(_basins(setting, r, rate, corrected=corrected))
    check_near_optimum(problem, target, float(eigenvalues[0]), best.radius)
    in_range = complete and len(eigenvalues) < problem.dim
    singular = SINGULAR_HESSIAN.format(len(eigenvalues), problem.dim) if in_range else ""
    assumes = "; ".join(filter(None, [singular, given]))
    return Prediction(
        best.theorem,
        best.radius,
        best.rate,
        best.factor,
        best.ball,
        best.norm.K,
        r,
        assumes,
        tuple((each.radius, each.factor) for each in nearer),
    )


def _constants(
    problem: Problem, target: Array, known: Constants, *, given: bool
) -> Callable[[float], tuple[float, float]]:
    """Return R -> (L, M) in the ball of radius R, infinite where nothing is proved; refuse a loss without an M."""
    of_ball = cache(lambda R: problem.constants(target, R))

    def constants(R: float) -> tuple[float, float]:
        here = known
        if not given and known.hessian_lipschitz is None and math.inf > R:
            here = of_ball(2 ** (math.ceil(8 * math.log2(R)) / 8))  # rounded up, so that few balls are asked about
        L, M = (math.inf if each is None else each for each in (here.L, here.hessian_lipschitz))
        return L, M

    if not math.isfinite(constants(1e-9)[1]):
        msg = f"constants must have a hessian_lipschitz where {problem.name} proves none, got {shown(known)}."
        raise ValueError(msg)
    return constants


def _eigenvalues(problem: Problem, target: Array, known: Constants) -> tuple[Numbers, bool]:
    """Return the eigenvalues of the Hessian at the optimum, or its μ and L, and whether they are all of them."""
    if "hessian" in problem.offers and problem.dim <= DENSE:
        H = problem.oracle(target).hessian()
        found = np.linalg.eigvalsh(to_numpy(H).astype(np.float64))
        rounding = len(found) * eps(namespace(H), H.dtype) * found[-1]
        if known.hessian_lipschitz == 0:  # a quadratic: Δ's part in the null space neither moves nor is felt
            found = found[np.abs(found) > rounding]
        if len(found) and found[0] > rounding:
            return found, True
        msg = "optimum must be where the Hessian is positive definite, up to rounding, got a smallest eigenvalue of "
        raise ValueError(msg + f"{np.min(found, initial=0.0):.3g}.")
    if known.mu is None or known.L is None or not 0 < known.mu <= known.L:
        msg = (
            f"constants must have 0 < mu <= L where the Hessian at the optimum isn't at hand (d = {problem.dim}), "
            f"got {shown(known)}."
        )
        raise ValueError(msg)
    return np.asarray([known.mu, known.L]), False


def _basins(setting: Setting, slowest: float, rate: float, *, corrected: bool) -> Iterator[Basin]:
    """Yield what each theorem says in each of several norms."""
    for share in np.linspace(0.1, 0.9, 5) if not corrected or setting.beta <= SHORT else (0.5,):
        norm = setting.norm(slowest + share * (rate - slowest))
        yield basin(setting, norm, plain_steps(norm, corrected=corrected, complete=setting.complete), rate)
        if corrected and setting.complete:
            for part in (0.3, 0.6) if setting.beta <= SHORT else (0.5,):
                steps = adapted_steps(norm, norm.gamma + part * (rate - norm.gamma))
                if steps is not None:
                    yield basin(setting, norm, steps, rate)


def _largest_first(basins: Iterable[Basin]) -> list[Basin]:
    """Return the largest basin, and of smaller ones those with a smaller factor than all that are larger."""
    kept: list[Basin] = []
    for found in sorted(basins, key=lambda found: (-found.radius, found.factor)):
        if not kept or found.factor < kept[-1].factor:
            kept.append(found)
    return kept
