"""How near the optimum a run must start to converge at a given rate: the theorems of docs/theory/moment.md."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.convergence.companion import CompanionNorm

Numbers = np.ndarray[Any, Any]


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

    def remainder(self, norm: CompanionNorm, a: Any) -> Numbers:
        """Return a bound on G_b for b <= a, where a >= ā."""
        return norm.remainder_norm(a) if self.complete else norm.remainder_bound(a)

    def sizes(self, norm: CompanionNorm, R: float) -> tuple[float, float, float]:
        """Return bounds in the ball ‖z‖_P <= R: on ‖g‖ and on ‖M⁺‖, and ½M‖Δ‖, which is ‖r‖/‖Δ‖ at most."""
        L, M = self.constants(R)
        half = M * R / 2 if M > 0 else 0.0
        gradient = min(L, float(self.eigenvalues[-1]) + half) * R
        return gradient, (norm.pi * norm.N + (1 - self.beta) * half) * R, half

    def saturation(self, S: Any) -> Any:
        """Return y = S²/(ρ + S²), the share of ā that a vector of length S takes from the step."""
        return 1 / (1 + (math.sqrt(self.rho) / S) ** 2)


@dataclass(frozen=True)
class Basin:
    """From where a run converges, and how fast.

    Parameters
    ----------
    theorem : str
        Its name in docs/theory/moment.md.
    ball : float
        R: all z of the run are in the ball ‖z‖_P <= R, hence all errors <= R.
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


def theorem_a(setting: Setting, norm: CompanionNorm, rate: float) -> Basin:
    """Return what theorem A says: no bias correction, M₀ = 0."""
    G = float(setting.remainder(norm, norm.step))

    def contraction(R: float) -> float:
        gradient, moment, half = setting.sizes(norm, R)
        y = setting.saturation(min(gradient, moment))
        return float(norm.step_norm(norm.step * (1 - y))) + G * half

    R = _largest(lambda R: contraction(R) <= rate)
    return Basin("A", R, R / norm.Z, rate, norm.Z, norm)


def theorem_b(setting: Setting, norm: CompanionNorm, rate: float, nominal: float | None = None) -> Basin:
    """Return what theorem B says: bias correction, M₀ = 0, by the product of the factors of all steps.

    With a `nominal` factor between γ_K and the rate it is theorem B′: in norms that change with the nominal steps, in
    which each of these contracts by `nominal`; it needs all eigenvalues.
    """
    c = _corrections(setting.beta)
    C, start = (np.ones_like(c), 1.0) if nominal is None else _transients(norm, c, nominal)
    G = setting.remainder(norm, c * norm.step)

    def factors(R: float) -> Numbers:
        gradient, moment, half = setting.sizes(norm, R)
        y = setting.saturation(np.minimum(gradient, c * moment))
        whole = norm.step_norm(norm.step * (1 + np.maximum(c - 1, 1 - c * (1 - y))))
        whole[0] = _first_step_norm(norm, float(y[0]))
        if nominal is None:
            return np.asarray(whole + G * half)
        apart = nominal + C * norm.difference_norm(c * norm.step, c * norm.step * (1 - y))
        return np.asarray(np.minimum(C * whole, apart) + C * G * half)

    def basin(R: float) -> Basin:
        each = factors(R)
        swell = start * max(1.0, float(np.max(np.cumprod(each))))
        factor = start * max(1.0, float(np.max(np.cumprod(each / rate))))
        return Basin("B" if nominal is None else "B′", R, R / (swell * norm.Z), rate, factor * norm.Z, norm)

    largest = _largest(lambda R: bool(factors(R)[-1] <= rate))
    with np.errstate(over="ignore"):
        return max((basin(largest / 2 ** (j / 2)) for j in range(24)), key=lambda found: found.radius)


def global_momentum(mu: float, L: float, beta: float, step: float) -> tuple[float, float, float]:
    """Return rate, factor and K of heavy ball from any start, by Lemma 4; a rate >= 1 says nothing.

    ‖Δ_t‖ <= factor · rateᵗ · ‖Δ₀‖ for any loss with all eigenvalues of its Hessians between μ and L.
    """
    low, high = (1 + beta - (1 - beta) * step * each for each in (L, mu))
    c, W, m = abs(low + high) / 2, (high - low) / 2, max(abs(low), abs(high))
    if m * c >= 4 * beta:
        rate = (m + math.sqrt(max(m * m - 4 * beta, 0))) / 2
    else:
        shift = W / (2 * math.sqrt(1 - c * c / (4 * beta)))
        rate = shift + math.sqrt(shift**2 + beta)
    alpha = rate + beta / rate
    K = math.sqrt(max(4 * beta, alpha * c))
    u = (low + high) / (2 * K)
    if 1 - u * u < 1e-6:  # Lemma 4's infimum is not attained, or as good as not: a slower rate
        rate = (1 + rate) / 2
        K = math.sqrt(max(4 * beta, (rate + beta / rate) * c))
        u = (low + high) / (2 * K)
    roots = (K + np.asarray([1, -1]) * math.sqrt(max(K * K - 4 * beta, 0))) / 2
    factor = float(np.min(np.sqrt((1 - 2 * u * roots + roots**2) / (1 - u * u))))
    return rate, factor, K


def _corrections(beta: float) -> Numbers:
    """Return c_t = 1/(1 − βᵗ), t = 1, 2, …, to the first that is 1 in float64."""
    t = np.arange(1, 2 + math.ceil(math.log(1e-17) / math.log(beta)))
    return -1 / np.expm1(t * math.log(beta))


def _first_step_norm(norm: CompanionNorm, y: float) -> float:
    """Return χ: the largest √(σ² − 2uπσ + π²) over λ in [μ, L] and (1 − β)a between ā(1 − y) and ā."""
    mu, L = norm.eigenvalues[[0, -1]]
    s0, u0, kappa = 1 + norm.beta, (1 + norm.beta) / norm.K, (1 - norm.beta) * norm.step / norm.K
    largest = 0.0
    for q in (norm.step, norm.step * (1 - y)):  # σ = s₀ − qλ, u = u₀ − κλ: a quadratic in λ
        top = q * q - 2 * norm.pi * kappa * q
        vertex = (s0 * q - norm.pi * (u0 * q + kappa * s0)) / top if top else mu
        for each in (mu, L, min(max(vertex, mu), L)):
            sigma, u = s0 - q * each, u0 - kappa * each
            largest = max(largest, (sigma - u * norm.pi) ** 2 + norm.pi**2 * (1 - u * u))
    return math.sqrt(largest)


def _transients(norm: CompanionNorm, c: Numbers, nominal: float) -> tuple[Numbers, float]:
    """Return C_t for t = 1, 2, …, and C₀ over vectors with M = 0.

    Backwards from the first step after which all nominal ones contract by `nominal`: P_s is P joined with
    A ᵀP_{s+1}A/nominal², both written in the coordinates in which P is the identity.
    """
    n = int(np.sum(norm.step_norm(c * norm.step) > nominal))
    R = norm.factors()
    inverse = np.linalg.inv(R)
    C, eye, P = np.ones(len(c)), np.eye(2), np.broadcast_to(np.eye(2), R.shape)
    for s in range(n - 1, -1, -1):  # P is P_{s+1}
        C[s] = math.sqrt(np.max(np.linalg.eigvalsh(P)))
        step = R @ _blocks(norm, float(c[s]) * norm.step) @ inverse / nominal
        values, vectors = np.linalg.eigh(step.mT @ P @ step)
        P = eye + (vectors * np.maximum(values - 1, 0)[:, None, :]) @ vectors.mT
    return C, math.sqrt(np.max(P[:, 0, 0]))


def _blocks(norm: CompanionNorm, a: float) -> Numbers:
    """Return the step with a on each (Δ_λ, M_λ), shape (k, 2, 2)."""
    force = (1 - norm.beta) * norm.eigenvalues
    rows = [[1 - a * force, np.full_like(force, -a * norm.beta)], [force, np.full_like(force, norm.beta)]]
    return np.asarray(np.moveaxis(np.asarray(rows), -1, 0))


def _largest(holds: Callable[[float], bool]) -> float:
    """Return the largest R at which a condition holds that fails from there on; 0 if at none, infinity if at all."""
    low, high = -150.0, 150.0
    with np.errstate(all="ignore"):
        if holds(10**high):
            return math.inf
        if not holds(10**low):
            return 0.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if holds(10**middle) else (low, middle)
    return float(10**low)
