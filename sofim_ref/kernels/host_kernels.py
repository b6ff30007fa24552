"""SOFIM's step in place on the host: its scalars, and the passes over memory that a subclass makes."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod

import numpy as np

from sofim_ref.arrays import Array, eps
from sofim_ref.kernels.kernels import SOFIMStep
from sofim_ref.matrices import RankOne


class HostKernels(ABC):
    """The part that the kernels on the host share; a subclass makes the passes over memory."""

    @abstractmethod
    def advance(self, M: Array, g: Array, beta: float, *, both: bool) -> tuple[float, float]:
        """Set M ← βM + (1−β)g, and return ‖M‖² and, if both are asked for, Mᵀg."""

    @abstractmethod
    def descend(self, w: Array, keep: float, M: Array, by_M: float, g: Array | None = None, by_g: float = 0.0) -> None:
        """Set w ← keep·w − by_M·M − by_g·g."""

    @abstractmethod
    def left(self, M: Array, g: Array, r: float) -> tuple[float, float]:
        """Return Mᵀ(g − rM) and ‖g − rM‖²."""

    @abstractmethod
    def descend_by_rest(self, w: Array, keep: float, M: Array, r: float, rest: float, g: Array, by: float) -> None:
        """Set w ← keep·w − by·((g − rM) − rest·M), g − rM rounded as `left` rounds it."""

    @abstractmethod
    def well_conditioned(self, w: Array) -> float:
        """Return the condition number of C up to which `descend` takes C⁻¹g as accurately as `RankOne.solve`."""

    def sofim(self, w: Array, M: Array, g: Array, step: SOFIMStep) -> None:
        r"""Take a step of SOFIM in w and M.

        With M̂ = M/c, both readings of C⁻¹v are sums of multiples of M and g:

        .. math:: C^{-1} \hat M = \frac{c}{\rho c^2 + \|M\|^2}\, M, \qquad
                  C^{-1} g = \frac{g - r M}{\rho}, \quad r = \frac{M^\top g}{\rho c^2 + \|M\|^2} .

        Where g is along M and C far from ρI, g − rM cancels nearly all of g, and what rounding leaves of it along M
        comes out 1/ρ times as large. There all of g that is along M is taken off, a third pass measures what is still
        left along it, and the last one puts that right. If g is across M by less than 2 eps of its length, which is
        the rounding of M, then not at all. Where ‖M‖² over- or underflows in float64, the plain formula takes over,
        temporaries and all.
        """
        lr, rho, beta, correction, vector, weight_decay = step
        squared, along = self.advance(M, g, beta, both=vector == "gradient")
        least, shift = sys.float_info.min, rho * correction**2
        below = max(shift + squared, least)
        keep, by_g = 1 - lr * weight_decay, lr / rho
        by_M = lr * correction / below if vector == "moment" else -by_g * (along / below)
        kept = w.size * least <= eps(np, w.dtype) * below < math.inf and math.isfinite(along)
        if not kept or not all(factor == 0 or least <= abs(factor) <= 1 / least for factor in (by_M, by_g)):
            C = RankOne(rho, M / correction)
            w -= lr * (C.solve(C.vector if vector == "moment" else g) + weight_decay * w)
        elif vector == "moment":
            self.descend(w, keep, M, by_M)
        elif below <= self.well_conditioned(w) * shift:
            self.descend(w, keep, M, by_M, g, by_g)
        else:
            r = float(w.dtype.type(along / squared))
            left_along, left_squared = self.left(M, g, r)
            rounding = 2 * eps(np, w.dtype) * along
            if left_squared - left_along * (left_along / squared) <= rounding * (rounding / squared):
                self.descend(w, keep, M, lr * (along / squared) * correction**2 / below)
            else:
                rest = (left_along - shift * (along / below)) / squared
                self.descend_by_rest(w, keep, M, r, rest, g, by_g)
