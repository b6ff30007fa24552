"""Policies for ρ and damping: rules that give the number of each step from the gradient there or the step's number.

A policy is passed where a method takes `rho` or `damping`. None of these keeps anything from step to step; those of
`moment_policies` and
`ratio_policies` do. Outside of
``jax.jit`` one number a step is brought to the host; inside, it stays on the device.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sofim_ref.arrays.control_flow import choose, number
from sofim_ref.arrays.policy import Policy
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import positive
from sofim_ref.problems.oracle import Oracle

__all__ = ["GradientRoot", "Scheduled", "SquaredGradient", "StepPolicy"]

LEAST, MOST = 1e-30, 1e30
"""Between which numbers policies stay: where the gradient vanishes, C must stay positive definite, in float32 too."""


class StepPolicy(Policy):
    """A policy that depends on the step's number and on the answers of its oracle alone."""

    @abstractmethod
    def value(self, step: int, oracle: Oracle) -> Any:
        """Return the number > 0 of the step after that many steps."""


@dataclass(frozen=True)
class SquaredGradient(StepPolicy):
    r"""A regularization proportional to the squared norm of the gradient: :math:`\rho_t = c\,\|g_t\|^2`.

    With the loss times a, ρ is times a², as ggᵀ is, so that C of `SOFIM` is only scaled. With the parameters times a, ρ
    is divided by a², as ggᵀ is. A rotation of the parameters changes nothing. Within [1e-30, 1e30].

    Parameters
    ----------
    c : float
        The number c > 0, without a unit.

    Raises
    ------
    TypeError, ValueError
        If `c` is not a finite number > 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> SquaredGradient(0.5).value(0, Quadratic(np.eye(2), np.zeros(2)).oracle(np.asarray([3.0, 4.0])))
    12.5
    """

    c: float = 1.0

    def __post_init__(self) -> None:
        positive("c", self.c)

    def value(self, step: int, oracle: Oracle) -> Any:
        """Return c‖g‖²."""
        length = number(norm(oracle.gradient()))
        return bounded(self.c * length * length)


@dataclass(frozen=True)
class GradientRoot(StepPolicy):
    r"""The damping of regularized Newton methods: :math:`\lambda_t = \sqrt{c\,\|g_t\|}`.

    With the loss times a and c times a, λ is times a, as the Hessian is; with c fixed it is times √a only. With the
    parameters times a, c has to be divided by a³. A rotation of the parameters changes nothing. Within [1e-30, 1e30].

    Parameters
    ----------
    c : float
        The number c > 0, in the unit of a third derivative.

    Raises
    ------
    TypeError, ValueError
        If `c` is not a finite number > 0.

    Notes
    -----
    Source: Mishchenko, arXiv 2112.02089, where c is proportional to a Lipschitz constant of the Hessian.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> GradientRoot(5.0).value(0, Quadratic(np.eye(2), np.zeros(2)).oracle(np.asarray([3.0, 4.0])))
    5.0
    """

    c: float = 1.0

    def __post_init__(self) -> None:
        positive("c", self.c)

    def value(self, step: int, oracle: Oracle) -> Any:
        """Return √(c‖g‖)."""
        return bounded((self.c * number(norm(oracle.gradient()))) ** 0.5)


@dataclass(frozen=True)
class Scheduled(StepPolicy):
    """A ρ or damping that depends on the step's number alone, by any schedule of a learning rate.

    It depends neither on the loss nor on the parameters, so that it changes with no scale of theirs.

    Parameters
    ----------
    schedule : callable
        From the number of steps taken to a number > 0, such as those of `schedules`.

    Raises
    ------
    TypeError
        If `schedule` is not callable.

    Examples
    --------
    >>> Scheduled(lambda step: 1 / (1 + step)).schedule(3)
    0.25
    """

    schedule: Callable[[int], float]

    def __post_init__(self) -> None:
        if not callable(self.schedule):
            msg = f"schedule must be a callable from a step's number to a number > 0, got {self.schedule!r}."
            raise TypeError(msg)

    def value(self, step: int, oracle: Oracle) -> Any:
        """Return what the schedule gives."""
        return self.schedule(step)


def bounded(value: Any) -> Any:
    """Return a number, or the end of the policies' range that it is beyond."""
    return choose(value > LEAST, choose(value < MOST, value, MOST), LEAST)
