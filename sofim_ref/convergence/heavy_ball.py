"""The rate at which heavy ball converges from any start, by one quadratic norm for all Hessians."""

from __future__ import annotations

import math

import numpy as np


def global_momentum(mu: float, L: float, beta: float, step: float) -> tuple[float, float, float]:
    """Return rate, factor and K of heavy ball from any start, by Lemma 4; a rate >= 1 says nothing.

    ‖Δ_t‖ <= factor · rateᵗ · ‖Δ₀‖ for any loss with all eigenvalues of its Hessians between μ and L.

    Parameters
    ----------
    mu, L : float
    beta : float
        The momentum.
    step : float
        ā = η/(1 − β).
    """
    low, high = (1 + beta - (1 - beta) * step * each for each in (L, mu))
    c, W, m = abs(low + high) / 2, (high - low) / 2, max(abs(low), abs(high))
    if m * c >= 4 * beta:
        rate = (m + math.sqrt(max(m * m - 4 * beta, 0))) / 2
    else:
        shift = W / (2 * math.sqrt(1 - c * c / (4 * beta)))
        rate = shift + math.sqrt(shift**2 + beta)
    if 1 - c**2 / _squared(rate, beta, c) < 1e-6:  # the infimum is not attained, or hardly
        rate = (1 + rate) / 2
    K = math.sqrt(_squared(rate, beta, c))
    u = (low + high) / (2 * K)
    roots = (K + np.asarray([1, -1]) * math.sqrt(max(K * K - 4 * beta, 0))) / 2
    return rate, float(np.min(np.sqrt((1 - 2 * u * roots + roots**2) / (1 - u * u)))), K


def _squared(rate: float, beta: float, c: float) -> float:
    """Return the K² that leaves the most room: max(4β, α|c|), α = γ + β/γ."""
    return max(4 * beta, (rate + beta / rate) * c)
