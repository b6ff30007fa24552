"""Constants of a loss that convergence theorems need: strong convexity, smoothness, a Lipschitz constant."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.memory import check_memory
from sofim_ref.likelihoods.likelihood import Bounds


@dataclass(frozen=True)
class Constants:
    """What is proved of a loss everywhere, or in a ball; None where nothing is.

    Parameters
    ----------
    mu : float or None
        Strong convexity: no eigenvalue of any Hessian is smaller.
    L : float or None
        Smoothness: no eigenvalue of any Hessian is larger.
    hessian_lipschitz : float or None
        M with ‖∇²f(w) − ∇²f(w')‖₂ ≤ M ‖w − w'‖.
    """

    mu: float | None = None
    L: float | None = None
    hessian_lipschitz: float | None = None


def linear_constants(X: Array, bounds: Bounds, l2: float) -> Constants:
    r"""Return the constants of a mean loss over outputs X̄W, from bounds on each loss's derivatives in its outputs.

    .. math:: \mu = \lambda_{\min}\Big(\tfrac1N \sum_n a_n \bar x_n \bar x_n^\top\Big) + \lambda, \quad
              L = \lambda_{\max}\Big(\tfrac1N \sum_n b_n \bar x_n \bar x_n^\top\Big) + \lambda, \quad
              M = \lambda_{\max}\Big(\tfrac1N \sum_n c_n \|\bar x_n\| \bar x_n \bar x_n^\top\Big) .

    Parameters
    ----------
    X : array, shape (N, p)
        The rows x̄ₙ: outputs move by at most ‖x̄ₙ‖ ‖w − w'‖.
    bounds : a, b, c
        Example n's loss has its second derivative between aₙ and bₙ, and its third at most cₙ.
    l2 : float
        The number λ.

    Returns
    -------
    Constants
        For least squares μ and L are exact but for the rounding of the matrices, (N + p) eps times their norm, allowed
        for in all. Where numbers overflow nothing is known.

    Raises
    ------
    MemoryError
        If a matrix of shape (p, p) would take more than half of the memory that is free.

    Notes
    -----
    M: example n's second derivative in its outputs changes by at most :math:`c_n \|\bar x_n\| \|w - w'\|`, times
    :math:`\bar x_n \bar x_n^\top` in w. One example attains it, and the mean of :math:`c_n \|\bar x_n\|^3`, the trace,
    is never smaller.
    """
    a, b, c = bounds
    xp = namespace(X)
    with np.errstate(over="ignore", invalid="ignore"):
        low = None if a is None else _extreme_eigenvalues(X, a)
        high = None if b is None else _extreme_eigenvalues(X, b)
        change = None if c is None else _extreme_eigenvalues(X, c * xp.sqrt(xp.vecdot(X, X)))
    M = None if change is None else change[1]
    return Constants(None if low is None else low[0] + l2, None if high is None else high[1] + l2, M)


def _extreme_eigenvalues(X: Array, weights: Array | float) -> tuple[float, float] | None:
    """Return the extreme eigenvalues of X̄ᵀdiag(a)X̄/N, their rounding allowed for; None if it overflows."""
    xp, (N, p) = namespace(X), X.shape
    check_memory("the mean of x̄x̄ᵀ", (p, p), X, remedy="bounds take constants= of your own")
    A = X * xp.sqrt(weights * xp.ones_like(X[:, 0]))[:, None]
    A = A.T @ A / N
    if _finite(xp.sum(A)) is None:
        return None
    eigenvalues = xp.linalg.eigvalsh(A)
    smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    rounding = (N + p) * eps(xp, X.dtype) * largest
    return max(smallest - rounding, 0.0), largest + rounding


def _finite(x: Array) -> float | None:
    return float(x) if math.isfinite(float(x)) else None
