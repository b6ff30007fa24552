"""The minimizer of a loss to the last digits: what every run is measured from."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import Problem

_STEPS = 200
_HALVINGS = 40


def minimizer(problem: Problem, escapes: str = "") -> np.ndarray[Any, Any]:
    """Return the minimizer of a mean loss on the host in float64, shape (d,); a local one if it isn't convex.

    SciPy's trust-region Newton method comes near. Then Newton steps follow, each halved until the gradient shrinks, for
    as long as one does.

    The gradient there is rounding: at most 100 √d eps times the mean length of the examples' gradients plus that of
    l2 w. A loss whose Hessian there isn't positive definite is refused: for `Likelihood.escapes`, because features
    depend on each other, or at a saddle. The problem's arrays are NumPy's in float64; it answers hessian and
    per_example_gradients.
    """
    from scipy.optimize import minimize

    start = problem.oracle(problem.initial_point())
    near = minimize(
        lambda w: float(problem.value(w)),
        start.w,
        jac=problem.gradient,
        hess=lambda w: problem.oracle(w).hessian(),
        method="trust-exact",
        options={"gtol": 1e-8 * float(np.linalg.norm(start.gradient())), "maxiter": 500},
    )
    at = problem.oracle(near.x)
    for _ in range(_STEPS):
        if _is_singular(at):
            raise ValueError(_reason(problem, escapes))
        following = _newton_step(at)
        if following is None:
            break
        at = following
    lengths = np.linalg.norm(at.per_example_gradients(), axis=1)
    scale = np.mean(lengths) + problem.l2 * np.linalg.norm(at.w)
    if np.linalg.norm(at.gradient()) > 100 * np.finfo(np.float64).eps * scale * problem.dim**0.5:
        raise ValueError(_reason(problem, escapes))
    if (lowest := float(np.linalg.eigvalsh(at.hessian())[0])) < 0:
        msg = f"{problem.name} has no minimum where Newton's method ended: the Hessian has the eigenvalue {lowest:.2g}."
        raise ValueError(msg)
    return np.asarray(at.w)


def _newton_step(at: Oracle) -> Oracle | None:
    """Return the oracle where a Newton step, halved until the gradient is shorter, leads; None if none makes it so."""
    gradient = at.gradient()
    step = np.linalg.solve(at.hessian(), gradient)
    for halving in range(_HALVINGS):
        there = at.at(at.w - step / 2**halving)
        if np.linalg.norm(there.gradient()) < np.linalg.norm(gradient):
            return there
    return None


def _is_singular(at: Oracle) -> bool:
    """Return whether the Hessian is singular up to rounding in the largest that the loss has anywhere."""
    L = at.problem.constants().L or float(np.linalg.norm(at.hessian(), 2))
    rounding = 10 * at.problem.dim * np.finfo(np.float64).eps * L
    return bool(at.l2 <= rounding and np.linalg.eigvalsh(at.hessian())[0] <= rounding)


def _reason(problem: Problem, escapes: str) -> str:
    causes = [escapes] * bool(escapes) + ["features depend on each other"]
    return (
        f"{problem.name} has no unique optimum: its Hessian is singular to rounding there, because "
        f"{' or '.join(causes)}. {'A larger l2' if problem.l2 else 'l2 > 0'} gives it one; got l2={problem.l2!r}."
    )
