"""Between two expectations: along the direction in which they differ, weighed by the noise that is in the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.testing.fisher.fit import ACCEPTED
from sofim_ref.testing.fisher.jacobians import Host


@dataclass(frozen=True, eq=False)
class Noise:
    r"""A model of the covariance Σ of one call's numbers: U diag(λ) Uᵀ, and `rest` in every other direction.

    U is the identity where it is None.

    It decides along which direction two hypotheses are compared, and a wrong one costs power only. Where it is that of
    the hypothesis itself, `least` is 1 over the root of the labels an example: no smaller share of Σ's spread is
    believed, as a few calls have in which rare labels happen to be absent.
    """

    U: Host | None
    values: Host
    rest: float
    least: float = 0.0

    @classmethod
    def simulated(cls, drawn: Host, least: float) -> Noise:
        """Return that of matrices drawn from the hypothesis itself, shape (k, n)."""
        off = (drawn - drawn.mean(axis=0)) / np.sqrt(len(drawn) - 1)
        _, s, Vt = np.linalg.svd(off, full_matrices=False)
        kept = s > 1e-7 * s[0]
        saturated = np.count_nonzero(kept) < len(drawn) - 1  # the directions that have no noise are known
        rest = 1e-8 * s[0] ** 2 if saturated else float(np.mean(s**2)) * len(s) / drawn.shape[1]
        return cls(Vt[kept].T, s[kept] ** 2 + (0.0 if saturated else rest), rest, least)

    @classmethod
    def independent(cls, observed: Host) -> Noise:
        """Return that of numbers without correlation, of the variances that were observed."""
        variance = observed.var(axis=0)
        return cls(None, np.maximum(variance, 1e-9 * variance.max()), 1.0)

    def variance(self, v: Host) -> float:
        """Return vᵀ Σ v."""
        return float(self.values @ (v if self.U is None else self.U.T @ v) ** 2)

    def weighed(self, x: Host) -> Host:
        """Return Σ⁻¹ x, shape (n,)."""
        if self.U is None:
            return np.asarray(x / self.values)
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
    spread = max(float(places.std(ddof=1)), noise.least * float(np.sqrt(noise.variance(v))) / size)
    return float(places.mean()), max(spread / np.sqrt(len(places)), exact)


def halves(observed: Host, x: Host, noise: Noise, free: Host | None) -> float:
    """Return the p-value of x as the expectation: whether the halves of the calls are off in one direction.

    Each half's mean is the other expectation with which x is compared on the other half, so that the direction is
    independent of what is tested.
    """
    from scipy.special import stdtr

    least = 1.0
    for here, there in ((observed[::2], observed[1::2]), (observed[1::2], observed[::2])):
        place, error = contrast(here, x, there.mean(axis=0), noise, free)
        least = min(least, float(stdtr(len(here) - 1, -place / error)))
    return min(1.0, 2 * least)


def quantile(level: float, draws: int) -> float:
    """Return how many standard errors of so many draws the mean is off with that probability."""
    from scipy.special import stdtrit

    return float(stdtrit(draws - 1, 1 - level / 2))
