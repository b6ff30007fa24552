"""The truth: dense inversion in 50 digits, which knows nothing of any structure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp

from sofim_ref.matrices.exact import Exact, exact
from sofim_ref.verify.dyadic import Dyadic, Host
from sofim_ref.verify.elimination import inverse as inverted

DIGITS = 50
"""The number of correct digits that an inverse has."""

_GUARD = 34
"""Bits beyond the digits, for what elimination adds up: ten digits."""

_MOST_DIGITS = 6400


def norm(x: Exact) -> Any:
    """Return the Euclidean norm of x, shape (d,)."""
    return mp.sqrt(mp.fdot(x, x))


@dataclass(frozen=True)
class Truth:
    """A matrix C by its definition, with its inverse.

    Parameters
    ----------
    C : Dyadic, shape (d, d)
        The matrix, rounded to 50 digits.
    inverse : Dyadic, shape (d, d)
        C⁻¹, whose relative error is below 10⁻⁵⁰.
    digits : int
        The digits it took: 50 and as many as the condition number has.
    norm, inverse_norm : mpmath number
        ‖C‖₂ and ‖C⁻¹‖₂.
    """

    C: Dyadic
    inverse: Dyadic
    digits: int
    norm: Any
    inverse_norm: Any

    @classmethod
    def of(cls, define: Callable[[], Exact]) -> Truth:
        """Invert the matrix that `define` writes out at the working precision of the time when it is called.

        Elimination with p digits leaves about p − log₁₀ κ correct ones. So p is doubled until κ ≤ 10^(p−50), and a
        condition number of 10⁶⁰⁰ does no harm.

        Raises
        ------
        ZeroDivisionError
            If C is singular.
        """
        digits = 2 * DIGITS
        while digits <= _MOST_DIGITS:
            with mp.workdps(digits):
                definition = define()
                C = Dyadic.of(definition)
                try:
                    inverse = inverted(C, mp.prec + _GUARD)
                except ZeroDivisionError:
                    inverse = None
                if inverse is not None:
                    sizes = C.spectral_norm(), inverse.spectral_norm()
                    if sizes[0] * sizes[1] <= mp.mpf(10) ** (digits - DIGITS):
                        with mp.workdps(DIGITS):
                            return cls(Dyadic.of(np.asarray(+definition)), inverse, digits, *sizes)
            digits *= 2
        msg = f"the matrix is singular to {_MOST_DIGITS} digits."
        raise ZeroDivisionError(msg)

    @property
    def condition(self) -> Any:
        """The condition number κ = ‖C‖₂ ‖C⁻¹‖₂."""
        return self.norm * self.inverse_norm

    def solve(self, v: Host) -> Dyadic:
        """Return x* = C⁻¹v for floating-point v of shape (d,) or (d, k)."""
        return self.inverse @ Dyadic.of(v)

    def backward_error(self, x: Host, v: Host, tolerance: float = 0.0) -> float:
        """Return by how many eps C or v would have to change for x to be exact: see `backward_error`."""
        return backward_error(self.C, self.norm, x, v, tolerance)

    def residual(self, x: Host, v: Host, tolerance: float, rounding: float) -> tuple[float, float]:
        """Return the relative residual ‖Cx − v‖/‖v‖, and what it may be: τ, and a backward error of `rounding` eps."""
        if not np.isfinite(x).all() or not v.any():
            return float("nan" if np.isnan(x).any() else x.any() and "inf"), tolerance
        with mp.workdps(DIGITS):
            X, b = Dyadic.of(x), Dyadic.of(v)
            length = b.norm()
            unit = (self.norm * (X.norm() + _underflow(x)) + length) * float(np.finfo(x.dtype).eps)
            return float((self.C @ X - b).norm() / length), tolerance + float(rounding * unit / length)

    def forward_error(self, x: Host, solution: Dyadic) -> float:
        r"""Return ‖x − x*‖ in units of κ eps (‖x*‖ + ω), with the ω of `backward_error`; ∞ if not finite."""
        if not np.isfinite(x).all():
            return float("inf")
        with mp.workdps(DIGITS):
            unit = self.condition * float(np.finfo(x.dtype).eps) * (solution.norm() + _underflow(x))
            return float((Dyadic.of(x) - solution).norm() / unit)


def backward_error(C: Dyadic, C_norm: Any, x: Host, v: Host, tolerance: float = 0.0) -> float:
    r"""Return by how many eps C or v would have to change for x to be exact; NaN or ∞ if x has one in it.

    .. math:: \eta = \frac{\max(\|C x - v\| - \tau \|v\|, 0)}
                        {\varepsilon\,\big(\|C\|\,(\|x\| + \omega) + \|v\|\big)},
              \qquad \omega = \sqrt d \, \frac{\text{smallest normal}}{\varepsilon} .

    The tolerance τ is that of a solve by iteration, whose residual counts where it exceeds τ‖v‖; 0 for a direct one.
    x and v, shape (d,), are of the dtype whose eps counts. The ω is the norm of x below which underflow decides: there
    an entry may err by one smallest normal number (JAX flushes to zero), whatever the algorithm is.
    """
    if not np.isfinite(x).all():
        return float("nan" if np.isnan(x).any() else "inf")
    with mp.workdps(DIGITS):
        X, b = Dyadic.of(x), Dyadic.of(v)
        length = b.norm()
        allowed = C_norm * (X.norm() + _underflow(x)) + length
        excess = max((C @ X - b).norm() - exact(tolerance) * length, mp.zero)
        return float(excess / (allowed * float(np.finfo(x.dtype).eps)))


def _underflow(x: Host) -> float:
    info = np.finfo(x.dtype)
    return math.sqrt(x.shape[0]) * float(info.smallest_normal / info.eps)
