"""The minimizer of a loss to the last digits: what every run is measured from."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import Problem

_STEPS = 200
_HALVINGS = 40
_NEAR = 1e-8
"""The gradient near the minimum, as a share of that at the initial point."""


def minimizer(problem: Problem, escapes: str = "") -> np.ndarray[Any, Any]:
    r"""Return the minimizer of a mean loss on the host in float64, shape (d,); a local one if it isn't convex.

    Newton steps from the initial point, each halved until the gradient shrinks. Where the Hessian isn't positive
    definite, as a network's rarely is at the start, SciPy's trust-region Newton method first comes near. The last step
    is the one that no longer halves the gradient once that is rounding:

    .. math:: \|\nabla f(w)\| \le 100\, \sqrt d\, \varepsilon\,
              \Big(\tfrac1N \sum_n \|\nabla \ell_n\| + \lambda \|w\| + \big\||\nabla^2 f(w)|\, |w|\big\|\Big) .

    The first two terms are what the gradient is summed from, the last is what the rounding of w changes in it. A loss
    whose Hessian there isn't positive definite is refused: for `Likelihood.escapes`, because features depend on each
    other, or at a saddle; so is one whose Hessian on the way is singular or overflows. The problem's arrays are NumPy's
    in float64; it answers hessian and per_example_gradients.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a step that leads too far is shortened
        try:
            return _minimizer(problem, escapes)
        except np.linalg.LinAlgError:  # a Hessian has no solution, or no eigenvalues
            raise ValueError(_reason(problem, escapes)) from None


def _minimizer(problem: Problem, escapes: str) -> np.ndarray[Any, Any]:
    at = problem.oracle(problem.initial_point())
    if not np.isfinite(np.linalg.norm(at.hessian())):
        msg = f"{problem.name} has no optimum in float64: its Hessian's norm overflows. Scale the features down."
        raise ValueError(msg)
    near = _NEAR * float(np.linalg.norm(at.gradient()))
    sought = False
    for _ in range(_STEPS):
        if not sought and not _is_definite(at):
            at, sought = _trust_region(at, near), True
        if (sought or np.linalg.norm(at.gradient()) <= near) and _is_singular(at):
            raise ValueError(_reason(problem, escapes))
        following = _newton_step(at)
        if following is None:
            break
        halved = 2 * np.linalg.norm(following.gradient()) <= np.linalg.norm(at.gradient())
        at = following
        if not halved and _is_rounding(at):
            break
    if not _is_rounding(at) or (not _is_definite(at) and _is_singular(at)):
        raise ValueError(_reason(problem, escapes))
    if not _is_definite(at) and (lowest := float(np.linalg.eigvalsh(at.hessian())[0])) < 0:
        msg = f"{problem.name} has no minimum where Newton's method ended: the Hessian has the eigenvalue {lowest:.2g}."
        raise ValueError(msg)
    return np.asarray(at.w)


def _trust_region(at: Oracle, near: float) -> Oracle:
    """Return the oracle where the trust-region Newton method comes near a minimum, whatever the Hessian is here."""
    from scipy.optimize import minimize

    if np.linalg.norm(at.gradient()) <= near:
        return at  # at a stationary point, a saddle say, SciPy's method fails
    try:
        found = minimize(
            lambda w: float(at.at(w).value()),
            at.w,
            jac=lambda w: at.at(w).gradient(),
            hess=lambda w: at.at(w).hessian(),
            method="trust-exact",
            options={"gtol": near, "maxiter": 500},
        )
    except (UnboundLocalError, ValueError):  # no damping that SciPy tries makes the Hessian definite, or it overflows
        return at
    return at.at(found.x)


def _newton_step(at: Oracle) -> Oracle | None:
    """Return the oracle where a Newton step, halved until the gradient is shorter, leads; None if none makes it so."""
    gradient = at.gradient()
    step = np.linalg.solve(at.hessian(), gradient)
    for halving in range(_HALVINGS):
        there = at.at(at.w - step / 2**halving)
        if np.linalg.norm(there.gradient()) < np.linalg.norm(gradient):
            return there
    return None


def _is_definite(at: Oracle) -> bool:
    """Return whether the Hessian is positive definite in the arithmetic: it has a Cholesky factor."""
    try:
        np.linalg.cholesky(at.hessian())
    except np.linalg.LinAlgError:
        return False
    return True


def _is_rounding(at: Oracle) -> bool:
    """Return whether the gradient is rounding."""
    summed = at.average(lambda rows: np.mean(np.linalg.norm(rows.per_example_gradients(), axis=1)))
    scale = summed + at.l2 * np.linalg.norm(at.w) + np.linalg.norm(np.abs(at.hessian()) @ np.abs(at.w))
    return bool(np.linalg.norm(at.gradient()) <= 100 * np.finfo(np.float64).eps * scale * at.problem.dim**0.5)


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
