"""SOFIM's step in place on the host: its scalars, and the passes over memory that a subclass makes."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from sofim_ref.arrays import Array, eps
from sofim_ref.kernels.expression import Program, Update, recorded
from sofim_ref.kernels.kernels import SOFIMStep
from sofim_ref.matrices import RankOne


class HostKernels(ABC):
    """The part that the kernels on the host share; a subclass makes the passes over memory."""

    @abstractmethod
    def advance(self, h: Array, g: Array, kept: float, *, both: bool) -> tuple[float, float]:
        """Set h ← kept·h + (1−kept)·g as `Kernels.sofim` says, and return ‖h‖² and, if both are asked for, hᵀg."""

    @abstractmethod
    def descend(self, w: Array, keep: float, h: Array, by_h: float, g: Array | None = None, by_g: float = 0.0) -> None:
        """Set w ← keep·w − by_h·h − by_g·g."""

    @abstractmethod
    def left(self, h: Array, g: Array, r: float) -> tuple[float, float]:
        """Return hᵀ(g − rh) and ‖g − rh‖²."""

    @abstractmethod
    def descend_by_rest(self, w: Array, keep: float, h: Array, r: float, rest: float, g: Array, by: float) -> None:
        """Set w ← keep·w − by·((g − rh) − rest·h), g − rh rounded as `left` rounds it."""

    @abstractmethod
    def well_conditioned(self, w: Array) -> float:
        """Return the condition number of C up to which `descend` takes C⁻¹g as accurately as `RankOne.solve`."""

    @abstractmethod
    def run(self, program: Program, numbers: Sequence[float], arrays: Sequence[Array], overwritten: int) -> list[float]:
        """Overwrite the first arrays by the first results of a program, and return the sums of the others."""

    def entrywise(self, update: Update, arrays: Sequence[Array], overwritten: int) -> list[float]:
        """Overwrite the first arrays by what the update returns first, and return the sums of what else it returns."""
        program, numbers = recorded(update, len(arrays))
        return self.run(
            program, [x if type(x) is float else float(np.asarray(x).item()) for x in numbers], arrays, overwritten
        )

    def sofim(self, w: Array, h: Array, g: Array, step: SOFIMStep) -> None:
        r"""Take a step of SOFIM in w and h.

        With M̂ = kh, both readings of C⁻¹v are sums of multiples of h and g:

        .. math:: C^{-1} \hat M = \frac{h}{k\,(\rho/k^2 + \|h\|^2)}, \qquad
                  C^{-1} g = \frac{g - r h}{\rho}, \quad r = \frac{h^\top g}{\rho/k^2 + \|h\|^2} .

        Where g is along h and C far from ρI, g − rh cancels nearly all of g, and what rounding leaves of it along h
        comes out 1/ρ times as large. There all of g that is along h is taken off, a third pass measures what is still
        left along it, and the last one puts that right. If g is across h by less than 2 eps of its length, which is
        the rounding of h, then not at all. Where ‖h‖² over- or underflows in float64, the plain formula takes over,
        temporaries and all.
        """
        lr, rho, kept, k, vector, weight_decay = step
        squared, along = self.advance(h, g, kept, both=vector == "gradient")
        least, shift = sys.float_info.min, rho / k**2
        below = max(shift + squared, least)
        keep, by_g = 1 - lr * weight_decay, lr / rho
        by_h = lr / k / below if vector == "moment" else -by_g * (along / below)
        exact = w.size * least <= eps(np, w.dtype) * below < math.inf and math.isfinite(along)
        if not (exact and _is_normal(by_h) and _is_normal(by_g)):
            C = RankOne(rho, h, weight=k**2)
            w -= lr * ((k * C.solve(h) if vector == "moment" else C.solve(g)) + weight_decay * w)
        elif vector == "moment":
            self.descend(w, keep, h, by_h)
        elif below <= self.well_conditioned(w) * shift:
            self.descend(w, keep, h, by_h, g, by_g)
        else:
            r = float(w.dtype.type(along / squared))
            left_along, left_squared = self.left(h, g, r)
            rounding = 2 * eps(np, w.dtype) * along
            if left_squared - left_along * (left_along / squared) <= rounding * (rounding / squared):
                self.descend(w, keep, h, lr * (along / squared) / k**2 / below)
            else:
                rest = (left_along - shift * (along / below)) / squared
                self.descend_by_rest(w, keep, h, r, rest, g, by_g)


def _is_normal(factor: float) -> bool:
    return factor == 0 or sys.float_info.min <= abs(factor) <= 1 / sys.float_info.min
