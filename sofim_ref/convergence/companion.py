"""The norm of error and moment in which every step of a method with a moment has a norm in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sofim_ref.arrays.validation import fraction, positive, shown

Numbers = np.ndarray[Any, Any]


class CompanionNorm:
    r"""The quadratic norm of z = (Δ, M) that is made of the companion matrices of a method with a moment.

    .. math:: M^+ = \beta M + (1-\beta) H \Delta, \quad \Delta^+ = \Delta - a M^+ , \qquad
              \|z\|_P^2 = \sum_\lambda \omega_\lambda^2 \big[ x_1^2 - 2 u\, x_1 (\pi x_2) + (\pi x_2)^2 \big] , \\
              x_2 = M_\lambda / \lambda, \quad x_1 = (1-\beta) \Delta_\lambda + \beta x_2, \quad
              u = c_\lambda / K, \quad c_\lambda = 1 + \beta - (1-\beta) \bar a \lambda, \quad
              \omega_\lambda^2 = \frac{1 - 2 \theta u + \theta^2}{(1-\beta)^2 (1 - u^2)} ,

    with π and θ the roots of :math:`y^2 - K y + \beta = 0`. The step with ā contracts by γ_K = max(π, θ) < 1, one
    formula gives the norm of the step with any other a, and ‖Δ‖ ≤ ‖z‖_P.

    Parameters
    ----------
    eigenvalues : array, shape (k,)
        The eigenvalues λ > 0 of the Hessian H at the optimum, ascending. Where only an interval is known that holds
        them, its two ends give all numbers that hold for any such H, `remainder_bound` instead of `remainder_norm`.
    beta : float
        The number β in (0, 1).
    step : float
        The step ā for which the norm is made: η/ρ for SOFIM, η/(1 − β) for heavy ball with M = (1 − β)b.
    K : float, optional
        Between the larger of 2√β and \|c_λ\|, and 1 + β; if not given, so that γ_K = (1 + r*)/2.

    Attributes
    ----------
    pi, theta : float
        π and θ, in the order in which Z G is smaller.
    gamma : float
        γ_K, the norm of the step with ā.
    spectral_radius : float
        r*, the largest spectral radius of the step with ā over [λ₁, λ_k]: below γ_K, which tends to it with K.
    Q : float
        The largest λ²/(1 − u²): how fast the norm of a step grows with \|a − ā\|.
    Z : float
        ‖(Δ, 0)‖_P ≤ Z‖Δ‖.
    N : float
        ‖M‖ ≤ N‖z‖_P.

    Raises
    ------
    ValueError
        If eigenvalues are not positive and ascending; if β, ā or K is out of its range, ā because the step is unstable.

    Notes
    -----
    The numbers beside formulas are those of docs/theory/moment.md, which has the proofs. Each constant is the smallest.

    Nothing cancels: 1 + β − c and 1 + β − K, small where H is ill-conditioned, are computed as such. Cost O(k) once,
    for a norm, and for a `remainder_norm`; O(1) for all else. Memory 4k numbers.

    Source: derived here; the companion matrix of heavy ball and its common Lyapunov functions are classical, see
    Polyak 1964, doi:10.1016/0041-5553(64)90137-5, and Lessard, Recht & Packard 2016, doi:10.1137/15M1009597.

    Examples
    --------
    >>> import numpy as np
    >>> P = CompanionNorm(np.asarray([1.0, 4.0]), beta=0.25, step=0.5)
    >>> P.spectral_radius, P.gamma, round(float(P.step_norm(0.4)), 4)
    (0.5, 0.75, 0.8223)
    >>> bool(P.norm(np.asarray([3.0, 4.0]), np.zeros(2)) <= P.Z * 5)
    True
    """

    def __init__(self, eigenvalues: Numbers, beta: float, step: float, K: float | None = None) -> None:
        self.eigenvalues = _spectrum(eigenvalues)
        self.beta, self.step = _moment_weight(beta), step
        positive("step", step)
        p = (1 - beta) * step * self.eigenvalues  # 1 + β − c
        q = 2 * (1 + beta) - p  # 1 + β + c
        if not q[-1] > 0:
            limit = 2 * (1 + beta) / ((1 - beta) * self.eigenvalues[-1])
            msg = f"step must be < 2(1 + β)/((1 − β)L) = {limit:.6g}, got {step:.6g}: beyond it the iteration diverges."
            raise ValueError(msg)
        nearest = float(min(p[0], q[-1]))  # 1 + β − max |c|
        self.spectral_radius = 1 - _gap(nearest, beta)
        if K is None:
            gap = _gap(nearest, beta) / 2
            short = gap * (1 - beta - gap) / (1 - gap)  # 1 + β − K
        else:
            short = float(1 + beta - K)
            gap = _gap(short, beta)
        if K is not None and not (2 * math.sqrt(beta) < K and 0 < short < nearest):
            least = max(2 * math.sqrt(beta), 1 + beta - nearest)
            msg = f"K must be between max(2√β, |c|) = {least:.6g} and 1 + β = {1 + beta:.6g}, got {shown(K)}."
            raise ValueError(msg)
        self.gamma = 1 - gap
        self.K = self.gamma + beta / self.gamma
        self._below, above = (p - short) / self.K, (q - short) / self.K  # 1 − u, 1 + u
        self._rest = self._below * above  # 1 − u²
        orders = ((self.gamma, beta / self.gamma, 1 - beta / self.gamma), (beta / self.gamma, self.gamma, gap))
        self._order(min(orders, key=self._price))
        self.Q = float(np.max(self.eigenvalues**2 / self._rest))
        self.N = (1 - beta) / self.pi * float(np.max(self.eigenvalues / np.sqrt(self._shape)))

    def _order(self, order: tuple[float, float, float]) -> None:
        """Take π, θ and 1 − θ in that order."""
        self.pi, self.theta, self._short_of_1 = order
        self._shape = self._short_of_1**2 + 2 * self.theta * self._below  # 1 − 2θu + θ²
        self.Z = float(np.sqrt(np.max(self._shape / self._rest)))

    def _price(self, order: tuple[float, float, float]) -> float:
        """Return Z G: the radius of convergence is inversely proportional to it."""
        self._order(order)
        return self.Z * float(self.remainder_norm(self.step))

    def factors(self) -> Numbers:
        r"""Return R, shape (k, 2, 2): ‖z‖_P² is the sum of :math:`\|R_\lambda (\Delta_\lambda, M_\lambda)\|^2`.

        Upper triangular: :math:`x_1^2 - 2 u x_1 \pi x_2 + \pi^2 x_2^2 = (x_1 - u \pi x_2)^2 + (1 - u^2) \pi^2 x_2^2`.
        """
        R = np.zeros((len(self.eigenvalues), 2, 2))
        turned = np.sqrt(self._shape) * self.pi / ((1 - self.beta) * self.eigenvalues)
        R[:, 0, 0] = np.sqrt(self._shape / self._rest)
        R[:, 0, 1] = turned * (self._below - self._short_of_1) / np.sqrt(self._rest)  # β − uπ = π(θ − u)
        R[:, 1, 1] = turned
        return R

    def norm(self, delta: Numbers, moment: Numbers) -> Numbers:
        """Return ‖z‖_P for the components of Δ and M in the eigenbasis of H.

        Parameters
        ----------
        delta, moment : array, shape (..., k)

        Returns
        -------
        array, shape (...)
        """
        z = np.stack([delta, moment], axis=-1)
        image: Numbers = np.einsum("kij,...kj->...ki", self.factors(), z)
        return np.asarray(np.sqrt(np.sum(image**2, axis=(-2, -1))))

    def step_norm(self, a: Any) -> Numbers:
        r"""Return ν(a), the operator norm of the step with a, for each a.

        .. math:: \nu + \beta / \nu = \sqrt{K^2 + (1-\beta)^2 (a - \bar a)^2 Q} \tag{6}

        Parameters
        ----------
        a : float or array, shape (...)

        Returns
        -------
        array, shape (...)
        """
        away = self.difference_norm(a, self.step)
        return np.asarray((np.hypot(self.K, away) + np.hypot(self.pi - self.theta, away)) / 2)

    def difference_norm(self, a: Any, b: Any) -> Numbers:
        """Return the operator norm of the difference of the steps with a and b, (1 − β) |a − b| √Q.

        Parameters
        ----------
        a, b : float or array, shapes that broadcast

        Returns
        -------
        array, of the shape that they broadcast to
        """
        return np.asarray((1 - self.beta) * np.abs(np.asarray(a) - b) * math.sqrt(self.Q))

    def remainder_norm(self, a: Any) -> Numbers:
        r"""Return G_a: a gradient that is off by r moves the next z by at most G_a ‖r‖.

        .. math:: G_a^2 = \max_\lambda \frac{1 - 2\theta u + \theta^2}{(1 - u^2) \lambda^2}
                  \big[ ((1-\beta)(\bar a - a) \lambda - 1 + \theta u)^2 + \pi^2 (1 - u^2) \big] \tag{10}

        Parameters
        ----------
        a : float or array, shape (...)

        Returns
        -------
        array, shape (...)
        """
        away = (1 - self.beta) * (self.step - np.asarray(a)[..., None]) * self.eigenvalues
        bracket = (away - self._short_of_1 - self.theta * self._below) ** 2 + self.pi**2 * self._rest
        return np.asarray(np.sqrt(np.max(self._shape / (self._rest * self.eigenvalues**2) * bracket, axis=-1)))

    def remainder_bound(self, a: Any) -> Numbers:
        r"""Return a bound on G_b for all b in [0, a] and any H whose eigenvalues are in [λ₁, λ_k].

        For a ≥ ā it is at most √2 times the largest such G_b. For a < ā it is the bound of ā, which may be many times
        too large.

        The first square of (10), divided by λ², has its maximum at an end. The second leaves
        :math:`\pi^2 (1 - 2\theta u + \theta^2)/\lambda^2 = \pi^2 (e_0 + e_1 \lambda)/\lambda^2`, which likewise has
        where :math:`e_0 \ge 0`; otherwise it is at most :math:`\pi^2 e_1/\lambda` and at most its own maximum.

        Parameters
        ----------
        a : float or array, shape (...)

        Returns
        -------
        array, shape (...)
        """
        ends = [0, -1]
        mu, L = self.eigenvalues[ends]
        shape, rest, one_less = self._shape[ends], self._rest[ends], (self._short_of_1 + self.theta * self._below)[ends]
        beyond = (1 - self.beta) * (np.maximum(a, self.step) - self.step)
        first = shape / rest * (beyond[..., None] + one_less / self.eigenvalues[ends]) ** 2
        e1 = 2 * self.theta * (1 - self.beta) * self.step / self.K
        e0 = shape[0] - e1 * mu
        if e0 >= 0:
            return np.asarray(np.sqrt(np.max(first + self.pi**2 * shape / self.eigenvalues[ends] ** 2, axis=-1)))
        at = min(max(-2 * e0 / e1, mu), L)
        largest = self.pi**2 * (e0 + e1 * at) / at**2
        together = np.max(first + self.pi**2 * e1 / self.eigenvalues[ends], axis=-1)
        return np.asarray(np.sqrt(np.minimum(np.max(first, axis=-1) + largest, together)))


def _gap(near: float, beta: float) -> float:
    """Return 1 − r, where r is the largest modulus of a root of y² − cy + β and the modulus of c is 1 + β − `near`."""
    root = math.sqrt(beta)
    low, high = ((1 - beta) / (1 + root)) ** 2, (1 + root) ** 2  # (1 ∓ √β)²
    if near >= low:
        return (1 - beta) / (1 + root)
    return 2 * near / (1 - beta + near + math.sqrt((low - near) * (high - near)))


def _spectrum(eigenvalues: Any) -> Numbers:
    found = np.asarray(eigenvalues, dtype=np.float64)
    if found.ndim != 1 or not found.size or not (np.all(found > 0) and np.all(np.diff(found) >= 0)):
        msg = f"eigenvalues must be numbers > 0, ascending, shape (k,) with k >= 1, got {shown(eigenvalues)}."
        raise ValueError(msg)
    return found


def _moment_weight(beta: float) -> float:
    fraction("beta", beta)
    if beta == 0:
        msg = "beta must be > 0, got 0: without a moment ‖Δ‖ is the norm, and a step's is max |1 − aλ|."
        raise ValueError(msg)
    return beta
