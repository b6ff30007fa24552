"""Policies that depend on the moment of the gradients which a method divides by C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.control_flow import number
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import positive
from sofim_ref.optimizers.policies import bounded
from sofim_ref.optimizers.policies_with_state import KeepingPolicy, Kept
from sofim_ref.problems.oracle import Oracle

__all__ = ["MomentPolicy", "SquaredMoment"]


class MomentPolicy(KeepingPolicy):
    """A policy that depends on the method's v, of which it keeps the moment that `Optimizer.averaging` declares."""

    def init(self, w: Array) -> Kept:
        """Return the moment before the first step, zero."""
        return {"moment": namespace(w).zeros_like(w)}

    def vector(self, kept: Kept, optimizer: Any, step: int, oracle: Oracle) -> tuple[Array, Array]:
        """Return the next moment, and v."""
        by, g = optimizer.averaging(step + 1), oracle.gradient()
        moment = by.kept * kept["moment"] + by.added * g
        return moment, by.of_moment * moment + by.of_gradient * g


@dataclass(frozen=True)
class SquaredMoment(MomentPolicy):
    r"""A regularization proportional to the squared norm of the method's v: :math:`\rho_t = c\,\|v_t\|^2`.

    With the loss times a, ρ is times a², as M̂M̂ᵀ is, so that C of `SOFIM` is only scaled; with the parameters times a, ρ
    is divided by a². A rotation of the parameters changes nothing. Within [1e-30, 1e30].

    Parameters
    ----------
    c : float
        The number c > 0, without a unit.

    Raises
    ------
    TypeError, ValueError
        If `c` is not a finite number > 0.

    Notes
    -----
    Of `SOFIM`, whose v is M̂, the condition number of C is 1 + 1/c at each step, and the step is η M̂/((1 + c)‖M̂‖²).
    That is `SOFIM` without any regularization at the step size η/(1 + c), so a length that rises as M̂ vanishes: η has
    the loss's unit, and without a schedule that falls the method doesn't converge.
    Kept is the moment that `Optimizer.averaging` declares, d numbers; where v is the gradient, it is `SquaredGradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.optimizers import SOFIM
    >>> from sofim_ref.problems import Quadratic
    >>> optimizer, w = SOFIM(lr=10.0, rho=SquaredMoment(1.0)), np.asarray([3.0, 4.0])
    >>> optimizer.step(w, optimizer.init(w), Quadratic(np.eye(2), np.zeros(2)).oracle(w))[0]  # 10 g / (25 + 25)
    array([2.4, 3.2])
    """

    c: float = 1.0

    def __post_init__(self) -> None:
        positive("c", self.c)

    def value(self, kept: Kept, optimizer: Any, step: int, oracle: Oracle) -> tuple[Kept, Any]:
        """Return the next moment, and c‖v‖²."""
        moment, v = self.vector(kept, optimizer, step, oracle)
        length = number(norm(v))
        return {"moment": moment}, bounded(self.c * length * length)
