"""What rank k brings to the last steps: of k examples' gradients, of the best k directions, of full batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.convergence import order_of_convergence
from sofim_ref.matrices import LowRank
from sofim_ref.optimizers import RankKSOFIM
from sofim_ref.problems import LeastSquares
from sofim_ref.training.minimize import minimize

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class RankK:
    """The factors by which the error shrinks in a step, for each rank k.

    Parameters
    ----------
    ranks : array, shape (K,)
        The k.
    rates, xi1 : array, shape (K,)
        With C = ρI + (1/k) Σ gᵢgᵢᵀ of k examples' gradients at the optimum: the spectral radius of I − ηC⁻¹H, and its
        norm, the ξ₁ of the linear-quadratic bound; medians over the draws of examples, each with the best ρ and η.
    best : array, shape (K,)
        The spectral radius for the k largest eigenvalues and their eigenvectors, known exactly: (κ − 1)/(κ + 1) with κ
        = λₖ₊₁/λ_d. Its norm is the same.
    """

    ranks: Numbers
    rates: Numbers
    xi1: Numbers
    best: Numbers


def well_specified(eigenvalues: Sequence[float], *, examples: int = 500, seed: int = 0) -> LeastSquares:
    """Return least squares with that Hessian's spectrum and its optimum at 0, where the mean of ggᵀ is near H.

    Parameters
    ----------
    eigenvalues : sequence of float
        In descending order.
    examples : int
        Their number N; the residuals are Gaussian with mean square 1.
    seed : int
        What they are drawn from.
    """
    rng, d = np.random.default_rng(seed), len(eigenvalues)
    Q = np.linalg.qr(rng.standard_normal((examples, d)))[0]
    residual = rng.standard_normal(examples)
    residual -= Q @ (Q.T @ residual)
    residual *= np.sqrt(examples) / np.linalg.norm(residual)
    return LeastSquares(np.sqrt(examples) * Q * np.sqrt(eigenvalues), residual, intercept=False)


def rank_k(eigenvalues: Sequence[float], ranks: Sequence[int], *, draws: int = 15, seed: int = 0) -> RankK:
    r"""Return how the rate of the last steps falls with the rank of C.

    .. math:: C = \rho I + \frac1k \sum_{i=1}^k g_i g_i^\top \text{ at the optimum}, \qquad
              \text{rate} = \frac{\kappa - 1}{\kappa + 1}, \quad \kappa = \kappa(C^{-1/2} H C^{-1/2}) .

    Parameters
    ----------
    eigenvalues : sequence of float
        Those of H, in descending order.
    ranks : sequence of int
        The k; 0 is gradient descent.
    draws : int
        The number of draws of k examples.
    seed : int
        What they are drawn from.

    Returns
    -------
    RankK

    Notes
    -----
    The window is filled by `RankKSOFIM` itself, from batches of one example. Its η is 2/(μ + L) of C⁻¹H, its ρ the best
    of 25 from the smallest eigenvalue to ten times the largest.
    """
    problem = well_specified(eigenvalues, seed=seed)
    H, rates, xi1 = np.diag(eigenvalues), [], []
    for k in ranks:
        rng = np.random.default_rng((seed, k))
        found = [_best_step(_window(problem, k, rng), k, H) for _ in range(draws if k else 1)]
        rate, norm = np.median(found, axis=0)
        rates.append(rate)
        xi1.append(norm)
    kappa = np.asarray([eigenvalues[k] / eigenvalues[-1] if k < len(H) else 1.0 for k in ranks])
    return RankK(np.asarray(ranks), np.asarray(rates), np.asarray(xi1), (kappa - 1) / (kappa + 1))


def full_batch_rate(eigenvalues: Sequence[float], k: int, *, rho: float = 0.5, steps: int = 300) -> float:
    """Return the measured rate of the tail of `RankKSOFIM` with full batches, η = ρ/L, from near the optimum.

    Parameters
    ----------
    eigenvalues : sequence of float
        Those of H, in descending order.
    k : int
        The rank.
    rho : float
        The ρ.
    steps : int
        The budget.
    """
    problem = well_specified(eigenvalues)
    w0 = np.where(np.arange(problem.dim) == problem.dim - 1, 1e-3, 1e-4)  # most of it along the slowest direction
    optimizer = RankKSOFIM(lr=rho / eigenvalues[0], rho=rho, beta=0.0, columns=k, collected="gradient")
    trace = minimize(problem, optimizer, steps=steps, w0=w0, store_points=True, on_interrupt="raise")
    return order_of_convergence(np.linalg.norm(np.asarray(trace.points), axis=1), order=1, floor=1e-12).rate


def _window(problem: LeastSquares, k: int, rng: np.random.Generator) -> Numbers:
    """Return the gradients of k examples at the optimum, shape (d, k)."""
    optimizer, w = RankKSOFIM(columns=max(k, 1), collected="gradient"), np.zeros(problem.dim)
    state = optimizer.init(w)
    for i in rng.choice(problem.size, size=k, replace=False):
        state, _ = optimizer.precondition(state, problem.oracle(w, np.asarray([i])))
    columns: Numbers = state.columns
    return columns


def _best_step(U: Numbers, k: int, H: Numbers) -> tuple[float, float]:
    """Return the spectral radius and the norm of I − ηC⁻¹H with the ρ and the η of the smallest radius."""
    d, found = len(H), []
    for rho in np.geomspace(H[-1, -1], 10 * H[0, 0], 25):
        P = LowRank(rho, U, weight=1 / max(k, 1)).solve(H)
        eigenvalues = np.linalg.eigvals(P).real
        eta = 2 / (eigenvalues.min() + eigenvalues.max())
        norm = float(np.linalg.norm(np.eye(d) - eta * P, 2))
        found.append((float(np.abs(1 - eta * eigenvalues).max()), norm))
    return min(found)
