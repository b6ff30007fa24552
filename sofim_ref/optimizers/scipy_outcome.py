"""How a run for SciPy ended: the status and the message of its result."""

from __future__ import annotations

from sofim_ref.arrays.detach import detached
from sofim_ref.problems import Function, Oracle
from sofim_ref.problems.divergence import far_above, loss_scale, misleads

MESSAGES = {
    0: "The largest component of the gradient fell to gtol.",
    1: "Maximum number of iterations has been exceeded.",
    2: "C could not be inverted: damping > 0 makes it regular.",
    3: "The run diverged: the point, the value or the gradient stopped being finite; the last finite point and value "
    "are returned.",
    4: "The line search found no lower loss: jac isn't the gradient of fun, or gtol is below what rounding allows.",
    5: "The value or the gradient isn't finite at x0.",
    6: "The run diverged",
    7: "fun doesn't fall along −jac, at x0 or at the end, as it does if jac is its gradient: "
    "scipy.optimize.check_grad(fun, jac, x) says how far jac is from it.",
    99: "`callback` raised `StopIteration`.",
}
"""What each status of a result means; the numbers are SciPy's. How far the value rose follows the sixth."""


def judged(problem: Function, start: Oracle, last: Oracle, status: int) -> tuple[int, str]:
    """Return the status and message of a run, looked at once more if it ended above its start by no wish of anyone."""
    first, value = (float(detached(at.value())) for at in (start, last))
    if status == 3 or (status == 1 and value > first):
        if any(misleads(problem, at.w) for at in (start, last)):
            return 7, MESSAGES[7]
        if status == 1 and (rise := far_above(first, value, loss_scale(problem, start.w))):
            return 6, f"{MESSAGES[6]}: {rise}."
    return status, MESSAGES[status]
