"""Policies that follow how well the fall of the loss was predicted: Levenberg–Marquardt damping and a trust radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.arrays.control_flow import choose, number, scalar
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import normal_in_dtype, positive
from sofim_ref.optimizers.fall import ended, measured
from sofim_ref.optimizers.moment_policies import MomentPolicy
from sofim_ref.optimizers.policies import bounded
from sofim_ref.optimizers.policies_with_state import KeepingPolicy, Kept
from sofim_ref.optimizers.preconditioned import Preconditioned
from sofim_ref.problems.oracle import Oracle

__all__ = ["LevenbergMarquardt", "TrustRadius"]


@dataclass(frozen=True)
class LevenbergMarquardt(KeepingPolicy):
    r"""Levenberg–Marquardt damping: a number that follows the ratio of the loss's fall to the predicted one.

    .. math:: r = \frac{f(w) - f(w + \delta)}{-g^\top \delta - \frac{1}{2\eta} \delta^\top (C - \lambda I)\, \delta} .

    Below r = ¼ λ is multiplied by the factor, above ¾ divided by it, within [1e-12, 1e12]. A step with which the
    batch's loss rises beyond rounding is refused: the point stays, and λ grows.

    With the loss times a, the run is the same if η C is, with the first λ times a for curvatures, a² for squared
    gradients with η times a. With the parameters times a, the first λ has to be divided by a². A rotation of the
    parameters changes nothing. A first λ that is wrong by a factor of 10ⁿ is mended in some 2n steps.

    Parameters
    ----------
    first : float
        The first λ > 0.
    factor : float
        The number > 1 by which λ changes.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of its range.

    Notes
    -----
    The predicted fall is that of the quadratic model whose curvature is (C − λI)/η: without damping, −ηC⁻¹g would lead
    to its minimizer. λ is the damping that the method declares in `Preconditioned`. Cost: a product with C and a loss,
    which is that of the step's batch.

    Source: Levenberg 1944; Marquardt 1963, doi:10.1137/0111030; the quarters as in Nocedal & Wright 2006, §4.1.

    Examples
    --------
    >>> import sofim_ref as sr
    >>> for first in (1e-6, 1.0, 1e6):  # from a loss of 24.2 into the valley
    ...     optimizer = sr.SOFIM(lr=1.0, rho=LevenbergMarquardt(first), beta=0.0)
    ...     print(round(sr.minimize(sr.problems.Rosenbrock(), optimizer, steps=50)["loss"][-1], 1))
    4.3
    4.1
    4.1
    """

    first: float = 1.0
    factor: float = 3.0
    judges = True

    def __post_init__(self) -> None:
        positive("first", self.first)
        positive("factor", self.factor)
        if self.factor <= 1:
            msg = f"factor must be a number > 1, got {self.factor!r}."
            raise ValueError(msg)

    def init(self, w: Array) -> Kept:
        """Return the first λ."""
        normal_in_dtype(w, first=self.first)
        return {"number": number(self.first)}

    def value(self, kept: Kept, optimizer: Any, step: int, oracle: Oracle) -> tuple[Kept, Any]:
        """Return λ as it is kept."""
        return kept, number(kept["number"])

    def judged(
        self, kept: Kept, oracle: Oracle, choice: Preconditioned, following: Array, lr: Any
    ) -> tuple[Array, Kept]:
        """Return the next point, or the present one if the loss would rise, and the next λ."""
        ratio, falls, _ = measured(oracle, choice, following, 1 / lr)
        return ended(oracle, falls, following), {"number": self.following(kept["number"], ratio, falls)}

    def following(self, damping: Any, ratio: Any, falls: Any) -> Any:
        """Return the λ after one, by the ratio and whether the loss falls."""
        larger, smaller = damping * self.factor, damping / self.factor
        return choose(
            falls & (ratio >= 0.25),
            choose(ratio > 0.75, choose(smaller > 1e-12, smaller, 1e-12), damping),
            choose(larger < 1e12, larger, 1e12),
        )


@dataclass(frozen=True)
class TrustRadius(MomentPolicy):
    r"""The damping with which no step is longer than a radius: :math:`\lambda = \eta\,\|v\| / \Delta`.

    For every C that is at least λI, ‖ηC⁻¹v‖ ≤ η‖v‖/λ = Δ. Δ follows the ratio r of `LevenbergMarquardt`: below ¼ it
    becomes a quarter of the step's length, above ¾ twice as large. A step with which the batch's loss rises beyond
    rounding is refused: the point stays, and Δ shrinks.

    With the loss and C times a, λ is times a and the run the same. With the parameters times a, Δ and `largest` have to
    be times a. A rotation of the parameters changes nothing.

    Parameters
    ----------
    radius : float
        The first Δ > 0.
    largest : float
        The number > 0 that Δ never exceeds.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of its range.

    Notes
    -----
    The smallest such number would need C's eigenvalues, as `TrustRegionNewton` has them; this one costs one norm, one
    loss a step, and a product with C. Where ‖C − λI‖ is much larger than λ, steps are much shorter than Δ. Weight decay
    is not in Δ. Kept are Δ and the moment that `Optimizer.averaging` declares, d numbers.

    For `SOFIM` with v = M̂ the step's length is 1/(1/Δ + ‖M̂‖/η).

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.optimizers import SOFIM
    >>> from sofim_ref.problems import Quadratic
    >>> optimizer, w = SOFIM(lr=25.0, rho=TrustRadius(1.0)), np.asarray([3.0, 4.0])
    >>> following, _ = optimizer.step(w, optimizer.init(w), Quadratic(np.eye(2), np.zeros(2)).oracle(w))
    >>> round(float(1 / np.linalg.norm(following - w)), 12)  # 1/Δ + 5/25
    1.2
    """

    radius: float = 1.0
    largest: float = 1e3
    judges = True

    def __post_init__(self) -> None:
        positive("radius", self.radius)
        positive("largest", self.largest)
        if self.largest < self.radius:
            msg = f"largest must be at least radius = {self.radius!r}, got {self.largest!r}."
            raise ValueError(msg)

    def init(self, w: Array) -> Kept:
        """Return the first Δ and the moment, zero."""
        normal_in_dtype(w, radius=self.radius)
        return {"radius": scalar(self.radius, w)} | super().init(w)

    def value(self, kept: Kept, optimizer: Any, step: int, oracle: Oracle) -> tuple[Kept, Any]:
        """Return the next moment, and η‖v‖/Δ."""
        moment, v = self.vector(kept, optimizer, step, oracle)
        return kept | {"moment": moment}, bounded(optimizer.rate_at(step) * number(norm(v)) / number(kept["radius"]))

    def judged(
        self, kept: Kept, oracle: Oracle, choice: Preconditioned, following: Array, lr: Any
    ) -> tuple[Array, Kept]:
        """Return the next point, or the present one if the loss would rise, and the next Δ."""
        ratio, falls, length = measured(oracle, choice, following, 1 / lr)
        radius = self.following(number(kept["radius"]), ratio, falls, length)
        return ended(oracle, falls, following), kept | {"radius": scalar(radius, oracle.w)}

    def following(self, radius: Any, ratio: Any, falls: Any, length: Any, *, reached: Any = True) -> Any:
        """Return the Δ after one, by ratio, fall and length of a step; it grows only if the step `reached` it."""
        doubled = choose(2 * radius < self.largest, 2 * radius, self.largest)
        shorter = choose((length > 0) & (length < radius), length, radius) / 4
        return choose(
            falls & (ratio >= 0.25),
            choose((ratio > 0.75) & reached, doubled, radius),
            choose(shorter > 1e-12, shorter, 1e-12),
        )
