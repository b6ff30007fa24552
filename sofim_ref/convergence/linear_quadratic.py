"""The linear-quadratic bound of a run, beside the errors that it bounds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.convergence.companion import CompanionNorm
from sofim_ref.convergence.reasons import BELOW_ROUNDING, UNMOVED
from sofim_ref.problems import Constants

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class LinearQuadratic:
    r"""The linear-quadratic bound of a run and its terms: one entry a step, on the host.

    Parameters
    ----------
    error, next_error : array, shape (T,)
        Before and after each step, in the norm that `norm` names: :math:`\|\Delta\| = \|w - w_*\|`, or, of a method
        with a moment M, :math:`\|(\Delta, M)\|_P \ge \|\Delta\|`.
    distance, next_distance : array, shape (T,)
        ‖Δ‖ before and after each step.
    xi0, xi1, xi2 : array, shape (T,)
        The coefficients; ξ₂ is NaN where no constant is known.
    bound : array, shape (T,)
        ξ₀ + ξ₁ `error` + ξ₂‖Δ‖²; NaN where the theorem doesn't apply. It bounds `next_error`, and so `next_distance`.
    rounding : array, shape (T,)
        By how much rounding alone can move `next_error` against `bound`; NaN where the theorem doesn't apply.
    reasons : tuple of str
        Why the theorem doesn't apply to a step; empty where it does.
    constants : Constants
        The constants of the problem that were used.
    radius : float
        Of the ball around the optimum in which the constants hold: the largest ‖Δ‖ before a step.
    norm : str
        The norm in words.
    assumes : str
        What the bound takes for granted besides what is proved of the problem, in words; empty if nothing.
    companion : CompanionNorm, optional
        The closed-form norm, where it was used.
    """

    error: Numbers
    next_error: Numbers
    distance: Numbers
    next_distance: Numbers
    xi0: Numbers
    xi1: Numbers
    xi2: Numbers
    bound: Numbers
    rounding: Numbers
    reasons: tuple[str, ...]
    constants: Constants
    radius: float
    norm: str = "‖Δ‖"
    assumes: str = ""
    companion: CompanionNorm | None = None

    @property
    def applies(self) -> Numbers:
        """Whether the theorem applies, step by step."""
        return np.asarray([not reason for reason in self.reasons], dtype=bool)

    @property
    def covered(self) -> Numbers:
        """Whether the bound says something about a step: the theorem applies, and the bound exceeds `rounding`."""
        return np.asarray(self.applies & (self.bound > self.rounding))

    @property
    def decided(self) -> Numbers:
        """Whether the bound alone decides a step: the next error is on one side of it by more than `rounding`."""
        return np.asarray(self.applies & (np.abs(self.next_error - self.bound) > self.rounding))

    @property
    def reason(self) -> str:
        """What isn't certified, in words: the number of steps that the bound doesn't cover, by reason.

        Either the theorem doesn't apply to a step, or rounding exceeds the bound. Empty if every step is covered.
        """
        if not self.reasons:
            return UNMOVED
        covered = zip(self.reasons, self.covered, strict=True)
        counted = Counter(reason or BELOW_ROUNDING for reason, is_covered in covered if not is_covered)
        return "; ".join(f"{number} of {len(self.reasons)} steps: {reason}" for reason, number in counted.items())

    @property
    def holds(self) -> bool | None:
        """Whether the steps to which the theorem applies ended within the bound, up to rounding.

        False with the first that didn't; None, which is neither, if no step is covered: `reason` says why.
        """
        if np.any(self.next_error > self.bound + self.rounding, where=self.applies):
            return False
        return True if self.covered.any() else None
