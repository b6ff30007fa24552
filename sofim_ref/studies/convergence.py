"""The study behind `sofim-ref convergence`: methods run on a convex problem with known optimum, each step certified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.arrays.sums import norm
from sofim_ref.convergence import (
    LinearQuadratic,
    Order,
    dennis_more,
    grade,
    linear_quadratic_bound,
    order_of_convergence,
    replay,
)
from sofim_ref.convergence.spectral import hessian
from sofim_ref.datasets import load
from sofim_ref.matrices import Matrix
from sofim_ref.matrices.dense import SingularMatrixError
from sofim_ref.optimizers import REGISTRY, SGD, SOFIM, NaturalGradient, Newton, Optimizer
from sofim_ref.problems import FiniteSum, LogisticRegression, PoissonRegression
from sofim_ref.training.minimize import minimize
from sofim_ref.training.trace import Trace

METHODS = ("newton", "natural-gradient", "sofim-gradient", "sofim", "sgd")
"""The methods that are studied unless others are named."""

EXCESS = 1e-3
"""By what share of μ natural gradient's damping exceeds the l2 of the loss: the floor where it turns linear."""

STEPS = 150
"""The budget of every run."""


def _from(name: str, l2: float) -> FiniteSum:
    return load(name, l2=l2).train


def _counts() -> FiniteSum:
    import sklearn.datasets

    exercises, people = sklearn.datasets.load_linnerud(return_X_y=True)
    people = (people - people.mean(axis=0)) / people.std(axis=0)
    return PoissonRegression(people, exercises[:, 0].astype(np.int64), l2=0.1)


PROBLEMS: dict[str, tuple[str, Callable[[], FiniteSum]]] = {
    "breast-cancer": ("Breast cancer: logistic regression", partial(_from, "breast-cancer", 0.05)),
    "iris": ("Iris flowers: softmax regression", partial(_from, "iris", 0.05)),
    "diabetes": ("Diabetes: least squares, a quadratic", partial(_from, "diabetes", 0.05)),
    "linnerud": ("Linnerud: chin-ups counted, Poisson regression", _counts),
}
"""From a problem's name to a title and what makes it: convex, with one optimum."""


@dataclass(frozen=True, eq=False)
class Studied:
    """What was seen of one method.

    Parameters
    ----------
    method : str
        Its name in the registry.
    optimizer : Optimizer
        With the settings that it ran with.
    trace : Trace
        Its run, with all points.
    bound : LinearQuadratic
        Of every step.
    order : Order or None
        Of the tail, fitted freely; None if too few steps stay above the floor.
    rate : Order or None
        Of the tail as a linear one; None for the same reason.
    dennis_more : array, shape (T,)
    grades : array, shape (T,)
        Each step's grade over the natural gradient's: 1 is best.
    last : Matrix
        C in the last step.
    last_rate : float
        η in the last step.
    """

    method: str
    optimizer: Optimizer[Any]
    trace: Trace
    bound: LinearQuadratic
    order: Order | None
    rate: Order | None
    dennis_more: np.ndarray[Any, Any]
    grades: np.ndarray[Any, Any]
    last: Matrix
    last_rate: float


@dataclass(frozen=True, eq=False)
class Study:
    """What `study` found.

    Parameters
    ----------
    problem_name, title : str
        The name in `PROBLEMS`, and the title.
    problem : FiniteSum
    optimum : array, shape (d,)
    spectrum : array, shape (d,)
        The eigenvalues of the Hessian there.
    rho : float
        SOFIM's ρ.
    entries : tuple of Studied
        One a method.
    """

    problem_name: str
    title: str
    problem: FiniteSum
    optimum: Array
    spectrum: np.ndarray[Any, Any]
    rho: float
    entries: tuple[Studied, ...]

    @property
    def holds(self) -> bool:
        """Whether no step that the bound covers ended beyond it."""
        return all(entry.bound.holds for entry in self.entries)


def study(
    problem_name: str,
    methods: Sequence[str] = METHODS,
    *,
    rho: float = 0.5,
    progress: Callable[[int, int, str], Any] = lambda _done, _total, _text: None,
) -> Study:
    """Run the methods from w = 0 on all examples, and return what the theory says of each of their steps.

    Parameters
    ----------
    problem_name : str
        A name in `PROBLEMS`.
    methods : sequence of str
        Names in the registry.
    rho : float
        SOFIM's ρ. Its η is ρ/L, so that its tail is gradient descent's with step size 1/L.
    progress : callable
        Called with what is done, what there is to do, and what is being done.

    Returns
    -------
    Study

    Raises
    ------
    TypeError, ValueError
        If `rho` is not a number > 0.

    Notes
    -----
    Step sizes follow from the spectrum at the optimum: 2/(μ + L) for gradient descent, 1 for Newton and natural
    gradient, whose damping exceeds the loss's l2 by μ/1000. Newton has no line search; SOFIM (gradient) has β = 0,
    SOFIM (moment) keeps β = 0.9. Others keep their defaults.
    """
    title, make = PROBLEMS[problem_name]
    problem = make()
    optimum = problem.optimum()
    eigenvalues = spectrum(problem, optimum)
    entries = []
    for done, name in enumerate(methods):
        progress(done, len(methods), f"running {REGISTRY[name].title}")
        entries.append(_studied(name, settings(name, problem, eigenvalues, rho), problem, optimum))
    progress(len(methods), len(methods), "done")
    return Study(problem_name, title, problem, optimum, eigenvalues, rho, tuple(entries))


def two_measurements() -> FiniteSum:
    """Return logistic regression of two measurements of the breast-cancer data: two parameters, to be drawn."""
    whole = load("breast-cancer").train
    return LogisticRegression(whole.features[:, :2], whole.targets, l2=0.01, intercept=False)


def spectrum(problem: FiniteSum, w: Array) -> np.ndarray[Any, Any]:
    """Return the eigenvalues of the Hessian at w on the host, in ascending order, shape (d,)."""
    return np.linalg.eigvalsh(to_numpy(hessian(problem.oracle(w))).astype(np.float64))


def settings(name: str, problem: FiniteSum, eigenvalues: np.ndarray[Any, Any], rho: float) -> Optimizer[Any]:
    """Return a method with the settings that suit a problem whose Hessian has these eigenvalues at the optimum."""
    mu, L = float(eigenvalues[0]), float(eigenvalues[-1])
    chosen: dict[str, Optimizer[Any]] = {
        "newton": Newton(line_search=False),
        "natural-gradient": NaturalGradient(lr=1.0, damping=problem.l2 + EXCESS * mu),
        "sofim": SOFIM(lr=rho / L, rho=rho),
        "sofim-gradient": SOFIM(lr=rho / L, rho=rho, beta=0.0, vector="gradient"),
        "sgd": SGD(lr=2 / (mu + L)),
        "heavy-ball": SGD(lr=1 / (2 * L), momentum=0.9),
    }
    return chosen.get(name) or REGISTRY[name].build(steps=STEPS)


def _studied(name: str, optimizer: Optimizer[Any], problem: FiniteSum, optimum: Array) -> Studied:
    with np.errstate(all="ignore"):  # a run that diverges ends in numbers without bounds
        return _seen(name, optimizer, problem, optimum)


def _seen(name: str, optimizer: Optimizer[Any], problem: FiniteSum, optimum: Array) -> Studied:
    w0 = 0 * optimum
    tolerance = 1e-14 * float(norm(problem.oracle(w0).gradient()))
    trace = minimize(problem, optimizer, steps=STEPS, w0=w0, tolerance=tolerance, record_every=1, store_points=True)
    bound = linear_quadratic_bound(problem, optimizer, trace, optimum=optimum)
    steps = list(replay(problem, optimizer, trace))
    errors = np.append(bound.error, bound.next_error[-1])
    return Studied(
        method=name,
        optimizer=optimizer,
        trace=trace,
        bound=bound,
        order=_fitted(errors, None),
        rate=_fitted(errors, 1.0),
        dennis_more=dennis_more(problem, optimizer, trace, optimum=optimum),
        grades=np.asarray([_grade(step.direction, step.oracle) for step in steps]),
        last=steps[-1].matrix,
        last_rate=steps[-1].rate,
    )


def _fitted(errors: np.ndarray[Any, Any], order: float | None) -> Order | None:
    try:
        return order_of_convergence(errors, order=order, floor=1e-13 * float(errors[0]))
    except ValueError:
        return None


def _grade(direction: Array, oracle: Any) -> float:
    """Return the grade over that of the natural gradient, damped by the l2 that keeps its matrix regular.

    NaN where there is no such thing: so far away that all predictions are certain, or numbers overflow.
    """
    natural = NaturalGradient(damping=oracle.problem.l2).precondition(NaturalGradient().init(oracle.w), oracle)[1]
    try:
        best = float(grade(natural.matrix.solve(natural.vector), oracle))
    except SingularMatrixError:  # beside numbers so large that l2 is rounding
        return np.nan
    return float(grade(direction, oracle)) / best if best > 0 else np.nan
