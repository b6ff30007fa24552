"""How near the optimum a run must start to converge at a given rate: the theorems of docs/theory/moment.md."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.convergence.companion import CompanionNorm
from sofim_ref.convergence.known_steps import Steps

Numbers = np.ndarray[Any, Any]

LOSS = 2.0
"""By how much the factor of a start at the radius may exceed that of a start very near the optimum."""

GRAIN = 0.001
"""By how much, at most, steps that are taken at once change the error."""

SMALLEST = 1e-100
"""The smallest start that is tried, and one over the largest."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What the theorems know of a problem and a method.

    Parameters
    ----------
    eigenvalues : array, shape (k,)
        The Hessian's at the optimum, ascending, or two numbers between which they are.
    complete : bool
        Whether they are all of them.
    beta, step, rho : float
        β, ā and ρ; an infinite ρ stands for a step that doesn't depend on the moment, heavy ball's.
    constants : callable
        R -> (L, M): the largest eigenvalue of the Hessian in the ball of radius R, and its Lipschitz constant there.
    """

    eigenvalues: Numbers
    complete: bool
    beta: float
    step: float
    rho: float
    constants: Callable[[float], tuple[float, float]]

    def norm(self, gamma: float) -> CompanionNorm:
        """Return the norm in which the step with ā contracts by γ."""
        return CompanionNorm(self.eigenvalues, self.beta, self.step, gamma + self.beta / gamma)

    def sizes(self, peak: float, e: float) -> tuple[float, float]:
        """Return ℓ with ‖g‖ <= ℓ‖Δ‖ where ‖Δ‖ <= peak, and ½Me, the largest ‖r‖/‖Δ‖ where ‖Δ‖ <= e <= peak."""
        L, M = self.constants(peak)
        return min(L, float(self.eigenvalues[-1]) + M / 2 * peak), M / 2 * e

    def saturation(self, S: float) -> float:
        """Return y = S²/(ρ + S²), the share of ā that a vector of length S takes from the step."""
        root = math.sqrt(self.rho)
        return (S / math.hypot(root, S)) ** 2 if math.isfinite(S) else float(math.isfinite(root))


@dataclass(frozen=True)
class Basin:
    """From where a run converges, and how fast.

    Parameters
    ----------
    theorem : str
        Its name in docs/theory/moment.md.
    ball : float
        No error exceeds it.
    radius, rate, factor : float
        ‖Δ_t‖ <= factor · rateᵗ · ‖Δ₀‖ if ‖Δ₀‖ <= radius.
    norm : CompanionNorm
        ‖·‖_P.
    """

    theorem: str
    ball: float
    radius: float
    rate: float
    factor: float
    norm: CompanionNorm


def basin(setting: Setting, norm: CompanionNorm, steps: Steps, rate: float) -> Basin:
    """Return the largest start from which the majorant's Γ is at most `LOSS` times that of small errors."""
    majorant = Majorant(setting, norm, steps, rate)
    limit, reach = LOSS * majorant.growth(SMALLEST)[0], steps.start * norm.Z
    e = _largest(lambda e: majorant.growth(e, limit)[0] < math.inf)
    if e == 0:  # Γ overflows
        return Basin(steps.theorem, 0.0, 0.0, rate, math.inf, norm)
    growth, ball = majorant.growth(min(e, 1 / SMALLEST))
    return Basin(steps.theorem, ball if e < math.inf else e, e / reach, rate, growth * reach, norm)


@dataclass(frozen=True)
class Majorant:
    """A sequence of numbers e_t that errors stay below: e_t = f_t e_{t−1}, with a factor f_t that rises with e.

    Parameters
    ----------
    setting : Setting
    norm : CompanionNorm
    steps : Steps
    rate : float
    """

    setting: Setting
    norm: CompanionNorm
    steps: Steps
    rate: float

    def growth(self, start: float, limit: float = math.inf) -> tuple[float, float]:
        """Return Γ, the largest e_t/(e₀ rateᵗ) from e₀ = `start`, and the largest e_t; Γ is infinite beyond a limit.

        Once a factor in ‖·‖_P is below 1, no later one is larger, since c_t and e_t fall from then on: many steps are
        taken at once with the first one's factor, as long as they change c and e by no more than `GRAIN`.

        Parameters
        ----------
        start, limit : float
        """
        setting, norm, steps = self.setting, self.norm, self.steps
        moment, forgotten, theta, D_P = norm.pi * norm.N, 1 - norm.beta, norm.beta / norm.pi, steps.rows[-1][2]
        e = peak = promised = start
        worst, last, t = 1.0, len(steps.rows) - 1, 0
        while True:
            c, C, D, G = steps.rows[min(t, last)]
            smooth, half = setting.sizes(peak, e)
            y = setting.saturation(min(smooth * peak, c * (moment + forgotten * half) * e))
            away = norm.step * max(c - 1, y) * D_P
            whole = (math.hypot(norm.K, away) + math.hypot(norm.pi - theta, away)) / 2
            if t == 0:
                whole = min(whole, first_step_norm(norm, c, y))
            factor = min(C * whole, steps.nominal + D * norm.step * c * y) + G * half
            settled, many = t >= max(steps.settled, 1), 1
            if settled and factor < 1 and c < 1 + GRAIN:
                many = max(1, int(min(GRAIN / (1 - factor), 1 / (1 - self.rate))))
            e, promised, t = e * factor**many, promised * self.rate**many, t + many
            peak, worst = max(peak, e), max(worst, e / promised)
            if settled and factor <= self.rate:
                return worst, peak
            if not worst <= limit or (t > last and not factor < 1):
                return math.inf, peak


def first_step_norm(norm: CompanionNorm, c: float, y: float) -> float:
    """Return χ: the largest √(σ² − 2uπσ + π²) over λ in [μ, L] and a between cā(1 − y) and cā."""
    mu, L = norm.eigenvalues[[0, -1]].tolist()
    s0, u0, kappa = 1 + norm.beta, (1 + norm.beta) / norm.K, (1 - norm.beta) * norm.step / norm.K
    largest = 0.0
    for share in (1, 1 - y):
        q = (1 - norm.beta) * norm.step * c * share  # σ = s₀ − qλ, u = u₀ − κλ: a quadratic in λ
        top = q * (q - 2 * norm.pi * kappa)
        vertex = (s0 * q - norm.pi * (u0 * q + kappa * s0)) / top if top else mu
        for each in (mu, L, min(max(vertex, mu), L)):
            sigma, u = s0 - q * each, u0 - kappa * each
            largest = max(largest, (sigma - u * norm.pi) ** 2 + norm.pi**2 * (1 - u * u))
    return math.sqrt(largest)


def _largest(holds: Callable[[float], bool]) -> float:
    """Return the largest e at which a condition holds that fails from there on, up to 0.1 %, never too large.

    0 if it never holds, infinity if it always does.
    """
    if holds(1 / SMALLEST):
        return math.inf
    if not holds(SMALLEST):
        return 0.0
    low, high = math.log(SMALLEST), -math.log(SMALLEST)
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(math.exp(middle)) else (low, middle)
    return math.exp(low)
