"""The moment that a method declares, kept beside its run: what its v must be, up to rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.optimizers import Averaging

Numbers = np.ndarray[Any, Any]

UNIT = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class DeclaredMoment:
    r"""The M of an `Averaging` after some steps, in float64, and how far a method's own may be from it by rounding.

    Parameters
    ----------
    value : array, shape (d,)
        M, on the host; zero before the first step.
    rounding : float
        A bound on the norm of what the method's arithmetic may have moved its own M by.
    """

    value: Numbers
    rounding: float = 0.0

    def after(self, averaging: Averaging, g: Numbers, unit: float) -> DeclaredMoment:
        """Return the moment after one more gradient, with a method that computes in an arithmetic of that unit.

        A step rounds each of its two terms, kept · M and added · g, at most four times with their sum; and the weights,
        which are differences such as 1 − βᵗ in float64, to 2⁻⁵² of 1, not of themselves.
        """
        a, before, new = averaging, float(np.linalg.norm(self.value)), float(np.linalg.norm(g))
        rounding = (
            abs(a.kept) * self.rounding
            + 4 * unit * (abs(a.kept) * before + abs(a.added) * new)
            + 8 * UNIT * abs(a.kept) * (abs(a.of_moment) * before + new)
        )
        return DeclaredMoment(a.kept * self.value + a.added * g, rounding)

    def gives(self, v: Numbers, averaging: Averaging, g: Numbers, unit: float) -> bool:
        """Return whether a v is of_moment · M + of_gradient · g, up to rounding; not where a number overflowed."""
        a = averaging
        allowed = (
            abs(a.of_moment) * self.rounding
            + 4 * (unit + UNIT * abs(a.of_moment)) * abs(a.of_moment) * float(np.linalg.norm(self.value))
            + 4 * unit * abs(a.of_gradient) * float(np.linalg.norm(g))
        )
        return not float(np.linalg.norm(v - (a.of_moment * self.value + a.of_gradient * g))) > allowed
