"""The convergence study: methods on a convex problem with known optimum, each step compared with the theory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import positive
from sofim_ref.convergence import (
    Order,
    dennis_more,
    grade,
    linear_quadratic_bound,
    observed_constants,
    order_of_convergence,
    replay,
)
from sofim_ref.convergence.host_loss import hessian
from sofim_ref.matrices import SingularMatrixError
from sofim_ref.optimizers import REGISTRY, Method, NaturalGradient, Optimizer
from sofim_ref.problems import Oracle, Problem
from sofim_ref.studies.methods import check_methods
from sofim_ref.studies.predicted_run import predicted_run
from sofim_ref.studies.reference_point import reference_point
from sofim_ref.studies.studied import Studied, Study
from sofim_ref.training.minimize import minimize

Numbers = np.ndarray[Any, Any]

METHODS = tuple(REGISTRY[name] for name in ("newton", "natural-gradient", "sofim-gradient", "sofim", "sgd"))
"""The methods that are studied unless others are given."""

EXCESS = 1e-3
"""What share of μ natural gradient's damping is: the floor where it turns linear."""

STEPS = 150
"""The budget of every run."""


def study_convergence(
    problem: Problem,
    methods: Sequence[Method] | None = None,
    *,
    title: str | None = None,
    rho: float = 0.5,
    progress: Callable[[int, int, str], Any] | None = None,
) -> Study:
    """Run methods on a convex problem and compare each step with the theory of convergence.

    Parameters
    ----------
    problem : Problem
        Convex, with an optimum that it knows: any of this library's with a linear model, or one of your own. For a
        network or another loss without a known optimum runs are measured from the local minimum that Newton's method
        reaches from the initial point; the Lipschitz constant of the bound is then that which each run shows, and a run
        may end in another minimum.
    methods : sequence of Method, optional
        Those of `METHODS` that fit the problem if not given.
    title : str, optional
        The problem's name if not given.
    rho : float
        The ρ of SOFIM, whose step size is ρ/L: that of gradient descent with step size 1/L.
    progress : callable, optional
        Called with what is done, what there is to do, and what is being done.

    Raises
    ------
    TypeError
        If the problem knows neither an optimum nor a local minimum; if a method is none, or needs what the problem
        doesn't offer.
    ValueError
        If `rho` is not a number > 0, a method occurs twice, or there is no unique optimum.

    Notes
    -----
    The step sizes of registered methods follow from the spectrum at the optimum: 2/(μ + L) for gradient descent, 1 for
    Newton and natural gradient, whose damping is μ/1000. Newton has no line search; SOFIM
    (gradient) has β = 0, SOFIM (moment) keeps β = 0.9. All other methods run as they are. A run begins at w = 0, or at
    `Problem.initial_point` if that is the optimum or none is known, and has at most `STEPS` steps.

    Examples
    --------
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.diag([1.0, 3.0]), np.ones(2))
    >>> study = study_convergence(bowl, [Method.of(sr.SGD(lr=0.5), label="η = 0.5")], title="A bowl")
    >>> study.holds, round(study.entries[0].rate.rate, 3)
    (True, 0.5)
    """
    positive("rho", rho)
    if methods is None:
        methods = [m for m in METHODS if m.build(steps=STEPS).needs <= problem.offers]
    check_methods(methods, problem, steps=STEPS)
    tell = progress or (lambda *_: None)
    tell(0, len(methods), "looking for the optimum")
    optimum, reference = reference_point(problem)
    eigenvalues = spectrum(problem, optimum)
    w0 = 0 * optimum if reference == "optimum" and float(norm(optimum)) else problem.initial_point()
    entries: list[Studied] = []
    failed: dict[Method, str] = {}
    for done, method in enumerate(methods):
        tell(done, len(methods), f"running {method.title}")
        try:
            with np.errstate(all="ignore"):  # a run that diverges ends in numbers without bounds
                entries.append(_studied(method, settings(method, eigenvalues, rho), problem, optimum, w0))
        except Exception as error:  # noqa: BLE001  # whatever a method raises is a finding about it, and doesn't end the study
            failed[method] = str(error) or type(error).__name__
    tell(len(methods), len(methods), "done")
    name = problem.name if title is None else title
    return Study(name, problem, reference, optimum, eigenvalues, rho, tuple(entries), failed)


def spectrum(problem: Problem, w: Array) -> Numbers:
    """Return the eigenvalues of the Hessian at w on the host, in ascending order, shape (d,)."""
    return np.linalg.eigvalsh(to_numpy(hessian(problem.oracle(w))).astype(np.float64))


def settings(method: Method, eigenvalues: Numbers, rho: float) -> Optimizer[Any]:
    """Return a registered method with the settings that suit a Hessian with these eigenvalues; others as they are."""
    mu, L = float(eigenvalues[0]), float(eigenvalues[-1])
    lr = rho / L
    registered = REGISTRY.get(method.name) == method
    if registered and method.name in ("sofim", "sofim-gradient") and not 0.0 < lr < np.inf:
        msg = f"rho must make lr = ρ/L, with L = {L:.4g}, a finite number > 0, got {rho!r}."
        raise ValueError(msg)
    chosen: dict[str, dict[str, Any]] = {
        "newton": {"line_search": False},
        "natural-gradient": {"lr": 1.0, "damping": EXCESS * mu},
        "sofim": {"lr": lr, "rho": rho},
        "sofim-gradient": {"lr": lr, "rho": rho, "beta": 0.0},
        "sgd": {"lr": 2 / (mu + L)},
        "heavy-ball": {"lr": 1 / (2 * L)},
    }
    return method.build(steps=STEPS, **(chosen.get(method.name, {}) if registered else {}))


def _studied(method: Method, optimizer: Optimizer[Any], problem: Problem, optimum: Array, w0: Array) -> Studied:
    tolerance = 1e-14 * float(norm(problem.oracle(w0).gradient()))
    trace = minimize(
        problem,
        optimizer,
        steps=STEPS,
        w0=w0,
        tolerance=tolerance,
        record_every=1,
        diagnostics=True,
        store_points=True,
        on_interrupt="raise",
    )
    if len(trace.records) < 2:
        msg = f"no step of the run can be studied. {trace.message}"
        raise ValueError(msg)
    proved = problem.constants(optimum, 1.0).hessian_lipschitz is not None
    constants = None if proved else observed_constants(problem, trace, optimum=optimum)
    bound = linear_quadratic_bound(problem, optimizer, trace, optimum=optimum, constants=constants)
    steps = list(replay(problem, optimizer, trace))
    distances = np.append(bound.distance, bound.next_distance[-1])
    return Studied(
        *(method, optimizer, trace, bound),
        order=_fitted(distances, None),
        rate=_fitted(distances, 1.0),
        dennis_more=dennis_more(problem, trace, optimum=optimum),
        grades=np.asarray([_grade(step.direction, step.oracle) for step in steps]),
        spectrum=to_numpy(steps[-1].matrix.eigenvalues()).astype(float) / steps[-1].rate,
        predicted=predicted_run(problem, optimizer, optimum, w0),
    )


def _fitted(errors: Numbers, order: float | None) -> Order | None:
    try:
        return order_of_convergence(errors, order=order, floor=1e-13 * float(errors[0]))
    except ValueError:
        return None


def _grade(direction: Array, oracle: Oracle) -> float:
    """Return the grade over that of the natural gradient, which l2 alone keeps regular.

    NaN where there is no such thing: so far away that all predictions are certain, or numbers overflow; or on a problem
    that has no Fisher matrix.
    """
    natural = NaturalGradient(damping=0.0)
    if not natural.needs <= oracle.problem.offers:
        return np.nan
    chosen = natural.precondition(natural.init(oracle.w), oracle)[1]
    try:
        best = float(grade(chosen.matrix.solve(chosen.vector), oracle))
    except SingularMatrixError:  # where numbers are so large that l2 is rounding
        return np.nan
    return float(grade(direction, oracle)) / best if 0 < best < np.inf else np.nan
