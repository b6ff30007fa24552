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
        A bound on how far the method's arithmetic may have moved its own M.
    """

    value: Numbers
    rounding: float = 0.0

    def after(self, averaging: Averaging, g: Numbers) -> DeclaredMoment:
        """Return the moment after one more gradient, which has the dtype that the method computes in.

        A step rounds each of its two terms, kept · M and added · g, at most four times with their sum; and the weights,
        which are differences such as 1 − βᵗ in float64, to 2⁻⁵² of 1, not of themselves.
        """
        a, unit = averaging, float(np.finfo(g.dtype).eps)
        before, new = _length(self.value), _length(g)
        rounding = (
            abs(a.kept) * self.rounding
            + 4 * unit * (abs(a.kept) * before + abs(a.added) * new)
            + 8 * UNIT * abs(a.kept) * (abs(a.of_moment) * before + new)
            + _underflow(g)
        )
        return DeclaredMoment(a.kept * self.value + a.added * g.astype(np.float64), rounding)

    def gives(self, v: Numbers, averaging: Averaging, g: Numbers) -> bool:
        """Return whether a v is of_moment · M + of_gradient · g, up to rounding; True where a number overflowed."""
        a, unit = averaging, float(np.finfo(g.dtype).eps)
        allowed = (
            abs(a.of_moment) * self.rounding
            + 4 * unit * abs(a.of_moment) * _length(self.value)
            + 4 * unit * abs(a.of_gradient) * _length(g)
            + _underflow(g)
        )
        off = v.astype(np.float64) - (a.of_moment * self.value + a.of_gradient * g.astype(np.float64))
        return not _length(off) > allowed


def _length(x: Numbers) -> float:
    return float(np.linalg.norm(x.astype(np.float64)))


def _underflow(g: Numbers) -> float:
    """Return what four roundings of each entry are below the smallest normal number."""
    return float(4 * np.finfo(g.dtype).smallest_subnormal * g.shape[0] ** 0.5)
