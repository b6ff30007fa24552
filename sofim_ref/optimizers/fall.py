"""How well the fall of the loss was predicted, by which trust regions and Levenberg–Marquardt damping decide."""

from __future__ import annotations

import math
from typing import Any

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.control_flow import choose, number
from sofim_ref.arrays.sums import norm
from sofim_ref.optimizers.preconditioned import Preconditioned
from sofim_ref.problems.oracle import Oracle


def measured(
    oracle: Oracle, choice: Preconditioned, following: Array, scale: Any = 1.0, *, beyond: Any = 0.0
) -> tuple[Any, Any, Any]:
    r"""Return the ratio of the loss's fall to the predicted one, whether it falls, and the step's length.

    .. math:: \text{ratio} = \frac{f(w) - f(w + \delta)}{-g^\top \delta - \frac s2 \delta^\top (C - \lambda I)\, \delta
              - b}, \qquad \lambda \text{ the damping in } C .

    Parameters
    ----------
    oracle : Oracle
        Where the step begins, on its batch; it is asked for the loss there and where the step ends.
    choice : Preconditioned
        The C of the step, with its damping, and v.
    following : array, shape (d,)
        w + δ.
    scale : float
        The s by which C − λI is multiplied to be a curvature.
    beyond : float or array
        The b that the model has beyond its second order.

    Returns
    -------
    ratio : float
        With ten times the loss's rounding added to both falls, so that it is 1 where nothing but rounding is left.
    falls : bool
        Whether the loss doesn't rise beyond rounding; a loss that isn't a number does.
    length : float
        ‖δ‖.
    """
    delta = following - oracle.w
    damping = 0.0 if choice.damping is None else choice.damping
    curvature = delta @ choice.matrix.matvec(delta) - damping * (delta @ delta)
    predicted = -number(oracle.gradient() @ delta + 0.5 * scale * curvature + beyond)
    before, after = number(oracle.value()), number(oracle.at(following).value())
    rounding = 10 * eps(namespace(delta), delta.dtype) * abs(before)
    expected = predicted + rounding
    ratio = choose(expected == 0, 1.0, (before - after + rounding) / choose(expected == 0, 1.0, expected))
    return ratio, after <= before + rounding, number(norm(delta))


def ended(oracle: Oracle, accepted: Any, following: Array) -> Array:
    """Return the next point, or the present one if the step isn't accepted and the loss is finite.

    If it isn't finite, the step is taken, and the run ends as diverged.
    """
    finite = abs(number(oracle.value())) < math.inf
    return choose(accepted, following, choose(finite, oracle.w, following))
