"""Between two expectations: along the direction in which they differ, weighed by the noise that is in the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.testing.fisher.fit import ACCEPTED
from sofim_ref.testing.fisher.jacobians import Host


@dataclass(frozen=True, eq=False)
class Noise:
    r"""A model of the covariance Σ of one call's numbers: U diag(λ) Uᵀ, and `rest` in every other direction.

    It decides along which direction two hypotheses are compared, not how far apart they are: a wrong Σ costs power.
    """

    U: Host
    values: Host
    rest: float

    @classmethod
    def simulated(cls, drawn: Host) -> Noise:
        """Return that of matrices drawn from the hypothesis itself, shape (k, n)."""
        off = (drawn - drawn.mean(axis=0)) / np.sqrt(len(drawn) - 1)
        _, s, Vt = np.linalg.svd(off, full_matrices=False)
        kept = s > 1e-7 * s[0]
        saturated = np.count_nonzero(kept) < len(drawn) - 1  # the directions that have no noise are known
        rest = 1e-8 * s[0] ** 2 if saturated else float(np.mean(s**2)) * len(s) / drawn.shape[1]
        return cls(Vt[kept].T, s[kept] ** 2 + (0.0 if saturated else rest), rest)

    @classmethod
    def independent(cls, observed: Host) -> Noise:
        """Return that of numbers without correlation, of the variances that were observed."""
        variance = observed.var(axis=0)
        return cls(np.eye(len(variance)), np.maximum(variance, 1e-9 * variance.max()), 1.0)

    def weighed(self, x: Host) -> Host:
        """Return Σ⁻¹ x, shape (n,)."""
        inside = self.U.T @ x
        return np.asarray(self.U @ (inside / self.values) + (x - self.U @ inside) / self.rest)


def contrast(observed: Host, x: Host, other: Host, noise: Noise, free: Host | None) -> tuple[float, float]:
    """Return the place of the mean between x, at 0, and another expectation, at 1, with its standard error.

    Parameters
    ----------
    observed : array, shape (draws, n)
    x, other : arrays, shape (n,)
    noise : Noise
    free : array, shape (n,), or None
        A direction in which the mean may be anywhere: that of an unknown shift.
    """
    difference = other - x
    v = noise.weighed(difference)
    if free is not None:
        across = noise.weighed(free)
        v = v - (v @ free) / (across @ free) * across
    size = float(v @ difference)
    if size <= 0:
        return 0.5, np.inf
    places = (observed - x) @ v / size
    exact = ACCEPTED * float(np.linalg.norm(x) / np.linalg.norm(difference))  # what rounding may have done
    return float(places.mean()), max(float(places.std(ddof=1)) / np.sqrt(len(places)), exact)


def quantile(level: float, draws: int) -> float:
    """Return how many standard errors of so many draws the mean is off with that probability."""
    from scipy.special import stdtrit

    return float(stdtrit(draws - 1, 1 - level / 2))
