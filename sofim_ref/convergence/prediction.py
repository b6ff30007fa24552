"""What is known of a run before it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sofim_ref.arrays.validation import positive


@dataclass(frozen=True)
class Prediction:
    r"""What is known of a run before it: :math:`\|w_t - w_*\| \le \text{factor} \cdot \text{rate}^t \|w_0 - w_*\|`.

    Parameters
    ----------
    theorem : {"A", "B", "B′", "global"}
        The theorem of docs/theory/moment.md that says so.
    radius : float
        It holds where ‖w₀ − w*‖ <= radius.
    rate, factor : float
        In exact arithmetic.
    ball : float
        No error of such a run exceeds it; the problem's constants are needed in this ball only.
    K : float
        Of the norm, see `CompanionNorm`.
    spectral_radius : float
        r*, the rate that the run's tail tends to, or the quickest mode that this doesn't promise.
    assumes : str
        What it takes for granted besides what is proved of the problem, in words; empty if nothing.
    nearer : tuple of (radius, factor)
        Smaller radii within which a smaller factor is proved, with the same rate.
    """

    theorem: str
    radius: float
    rate: float
    factor: float
    ball: float
    K: float
    spectral_radius: float
    assumes: str = ""
    nearer: tuple[tuple[float, float], ...] = ()

    def steps_to(self, error: float, start: float) -> int:
        """Return a number of steps after which ‖w − w*‖ is at most `error`, by the smallest factor proved of `start`.

        Parameters
        ----------
        error : float
        start : float
            ‖w₀ − w*‖, at most the radius.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If `start` is beyond the radius, where nothing is known.
        """
        positive("error", error)
        positive("start", start)
        if start > self.radius:
            msg = f"start must be at most the radius, {self.radius:.6g}, got {start:.6g}: beyond it nothing is known."
            raise ValueError(msg)
        factor = min([self.factor, *(factor for radius, factor in self.nearer if start <= radius)])
        return max(0, math.ceil(math.log(factor * start / error) / -math.log(self.rate)))
