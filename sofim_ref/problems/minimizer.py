"""The least point of a convex loss over a linear model, to the last digits: what every run is measured from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.likelihoods import Gaussian, Poisson

if TYPE_CHECKING:
    from sofim_ref.problems.finite_sum import FiniteSum

_STEPS = 200
_HALVINGS = 40


def minimizer(problem: FiniteSum) -> np.ndarray[Any, Any]:
    """Return the point of smallest loss of a problem on the host in float64, shape (d,).

    SciPy's trust-region Newton method comes near. Then Newton steps follow, each halved until the gradient shrinks, for
    as long as one does.

    Parameters
    ----------
    problem : FiniteSum
        Of NumPy arrays in float64, with a linear model.

    Returns
    -------
    numpy.ndarray
        Where the gradient is rounding: at most 100 eps times the mean length of the examples' gradients and of l2 w.

    Raises
    ------
    ValueError
        If there is no unique optimum.
    """
    from scipy.optimize import minimize

    start = problem.oracle(problem.initial_point())
    near = minimize(
        lambda w: float(problem.oracle(w).value()),
        start.w,
        jac=lambda w: problem.oracle(w).gradient(),
        hess=lambda w: problem.oracle(w).hessian(),
        method="trust-exact",
        options={"gtol": 1e-8 * float(np.linalg.norm(start.gradient())), "maxiter": 500},
    )
    at = problem.oracle(near.x)
    for _ in range(_STEPS):
        _refuse_singular(problem, at.hessian())
        following = _newton_step(at)
        if following is None:
            break
        at = following
    lengths = np.linalg.norm(at.per_example_gradients(), axis=1)
    scale = np.mean(lengths) + problem.l2 * np.linalg.norm(at.w)
    if np.linalg.norm(at.gradient()) > 100 * np.finfo(np.float64).eps * scale * problem.dim**0.5:
        raise ValueError(_reason(problem))
    return np.asarray(at.w)


def _newton_step(at: Any) -> Any:
    """Return the oracle where a Newton step, halved until the gradient is shorter, leads; None if none makes it so."""
    gradient = at.gradient()
    step = np.linalg.solve(at.hessian(), gradient)
    for halving in range(_HALVINGS):
        there = at.at(at.w - step / 2**halving)
        if np.linalg.norm(there.gradient()) < np.linalg.norm(gradient):
            return there
    return None


def _refuse_singular(problem: FiniteSum, hessian: np.ndarray[Any, Any]) -> None:
    """Refuse a Hessian that is singular to rounding beside the largest that the problem has anywhere."""
    L = problem.constants().L or float(np.linalg.norm(hessian, 2))
    rounding = 10 * problem.dim * np.finfo(np.float64).eps * L
    if problem.l2 <= rounding and np.linalg.eigvalsh(hessian)[0] <= rounding:
        raise ValueError(_reason(problem))


def _reason(problem: FiniteSum) -> str:
    cause = "features depend on each other"
    if isinstance(problem.likelihood, Poisson):
        cause = f"all counts beyond some plane are zero or {cause}"
    elif not isinstance(problem.likelihood, Gaussian):
        cause = f"classes are separable or {cause}"
    return (
        f"{problem.name} has no unique optimum: its Hessian is singular to rounding there, because {cause}. "
        f"{'A larger l2' if problem.l2 else 'l2 > 0'} gives it one; got l2={problem.l2!r}."
    )
