"""The backward error of a solve for C equilibrated, of classes that promise one there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp

from sofim_ref.matrices import Matrix
from sofim_ref.matrices.exact import Exact, exact
from sofim_ref.verify.dyadic import Dyadic, Host
from sofim_ref.verify.report import Measurement
from sofim_ref.verify.truth import DIGITS, Truth, norm


@dataclass(frozen=True)
class Equilibrated:
    """A matrix C divided by s from both sides, with the bound that its class promises: see `equilibrated_bound`.

    Parameters
    ----------
    C : array of mpmath numbers, shape (d, d)
        The matrix S⁻¹CS⁻¹.
    scale : array of mpmath numbers, shape (d,)
        The s.
    norm : mpmath number
        ‖S⁻¹CS⁻¹‖₂.
    bound : float
        The c, in eps.
    """

    C: Exact
    scale: Exact
    norm: Any
    bound: float

    @classmethod
    def of(cls, matrix: Matrix, truth: Truth) -> Equilibrated | None:
        """Equilibrate a matrix whose class has a bound there; None for others."""
        promised = matrix.equilibrated_bound()
        if promised is None:
            return None
        with mp.workdps(DIGITS):
            s = exact(promised[0])
            C = truth.C.rounded() / s / s[:, None]
            return cls(C, s, Dyadic.of(C).spectral_norm(), promised[1])

    def measured(self, case: str, x: Host, v: Host) -> Measurement:
        """Return the measurement of a solve; what underflows is forgiven as in the plain norm."""
        if not np.isfinite(x).all():
            return Measurement(case, float("nan" if np.isnan(x).any() else "inf"), self.bound)
        info = np.finfo(x.dtype)
        with mp.workdps(DIGITS):
            y, b = self.scale * exact(x), exact(v) / self.scale
            underflow = norm(self.scale) * float(info.smallest_normal / info.eps)
            allowed = (self.norm * (norm(y) + underflow) + norm(b)) * float(info.eps)
            return Measurement(case, float(norm(self.C @ y - b) / allowed), self.bound)
