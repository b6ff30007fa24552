"""First- and second-order methods where the loss isn't convex: from a ridge that leads to a saddle, and in a valley."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.optimizers import SOFIM, CubicNewton, GaussNewton, Newton, Optimizer, QuasiNewton, TrustRegionNewton
from sofim_ref.problems import Function, Problem, Rosenbrock
from sofim_ref.training.minimize import minimize

Numbers = np.ndarray[Any, Any]

LRS = (0.2, 0.4, 0.6, 0.8, 1.0)
DECADES = tuple(10.0 ** np.arange(-3.0, 4.0))
MANY_LRS = tuple(np.linspace(0.15, 1.0, 35))
SOFIM_GRID = tuple(itertools.product((0.1, 10.0, 1e3, 1e5, 1e7), 10.0 ** np.arange(-3.0, 0.5, 0.5)))
"""The pairs of ρ and η/ρ. ρ has the unit of a squared gradient, and ‖g‖² is 5·10⁴ where the valley starts."""

METHODS: dict[str, tuple[Optimizer[Any], ...]] = {
    "SOFIM (moment)": tuple(SOFIM(rate * rho, rho) for rho, rate in SOFIM_GRID),
    "SOFIM (moment, β = 0.3)": tuple(SOFIM(rate * rho, rho, 0.3) for rho, rate in SOFIM_GRID),
    "SOFIM (gradient)": tuple(SOFIM(rate * rho, rho, vector="gradient") for rho, rate in SOFIM_GRID),
    "Newton": tuple(Newton(lr) for lr in MANY_LRS),
    "damped Newton": tuple(Newton(lr, damping) for lr, damping in itertools.product(LRS, DECADES)),
    "Levenberg–Marquardt": tuple(GaussNewton(lr, damping) for lr, damping in itertools.product(LRS, DECADES)),
    "cubic Newton": tuple(CubicNewton(lr, cubic=cubic) for lr, cubic in itertools.product(LRS, DECADES)),
    "trust-region Newton": tuple(
        TrustRegionNewton(lr, radius=radius) for lr, radius in itertools.product(LRS, np.sqrt(DECADES))
    ),
    "BFGS": tuple(QuasiNewton(lr) for lr in MANY_LRS),
    "SR1": tuple(QuasiNewton(lr, update="sr1") for lr in MANY_LRS),
}
"""Each method with the 35 settings that it is tried with: of η alone where it has no other parameter. β is 0.9 else."""


@dataclass(frozen=True, eq=False)
class Course:
    """How a method went on a loss from a point.

    Parameters
    ----------
    points : array, shape (steps + 1, d)
        Its points, the starting one first, of the settings with the lowest loss, or the fewest steps to convergence.
    converged : bool
        Whether the gradient's norm fell to the tolerance.
    eigenvalue : float
        The least eigenvalue of the Hessian where it ended: below 0 it is no minimum.
    """

    points: Numbers
    converged: bool
    eigenvalue: float

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.points) - 1


def saddle() -> Problem:
    """Return x⁴/4 − x²/2 + y²/2, whose minima are (±1, 0) and whose saddle lies between them."""
    return Function(
        2,
        lambda w: w[0] ** 4 / 4 - w[0] ** 2 / 2 + w[1] ** 2 / 2,
        lambda w: np.asarray([w[0] ** 3 - w[0], w[1]]),
        hessian=lambda w: np.asarray([[3 * w[0] ** 2 - 1, 0.0], [0.0, 1.0]]),
    )


def valley() -> Problem:
    """Return Rosenbrock's function of two variables, (1 − x)² + 100(y − x²)²."""
    return Rosenbrock(2)


def where_not_convex(
    problem: Problem,
    start: Sequence[float],
    methods: Mapping[str, Iterable[Optimizer[Any]]] | None = None,
    *,
    steps: int = 200,
    tolerance: float = 1e-8,
) -> dict[str, Course]:
    """Run methods from a point, and return how each went with the best of its settings.

    Parameters
    ----------
    problem : Problem
        On NumPy. A method that needs what it doesn't offer is left out.
    start : sequence of float
    methods : mapping, optional
        From what a method is called to the optimizers that are tried; `METHODS` if None.
    steps : int
        The steps that a run may take.
    tolerance : float
        The gradient norm at which a run has converged.

    Returns
    -------
    dict
        From a method's name to its `Course`.
    """
    w0 = np.asarray(start, dtype=np.float64)
    return {
        name: min((_course(problem, w0, optimizer, steps, tolerance) for optimizer in tried), key=_cost(problem))
        for name, tried in ((name, list(tried)) for name, tried in (METHODS if methods is None else methods).items())
        if tried[0].needs <= problem.offers
    }


def _course(problem: Problem, w0: Array, optimizer: Optimizer[Any], steps: int, tolerance: float) -> Course:
    run = minimize(problem, optimizer, steps=steps, w0=w0, tolerance=tolerance, store_points=True, on_interrupt="raise")
    points = np.stack(run.points or ())
    least = float(np.linalg.eigvalsh(problem.oracle(points[-1]).hessian())[0])
    return Course(points, run.status.name == "CONVERGED", least)


def _cost(problem: Problem) -> Any:
    """Return the order of courses: those that converge to a minimum by their steps, then the others by their loss."""

    def cost(course: Course) -> tuple[bool, float]:
        arrived = course.converged and course.eigenvalue > 0
        return not arrived, course.steps if arrived else float(problem.value(course.points[-1]))

    return cost
