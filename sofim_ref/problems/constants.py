"""Constants of a loss that convergence theorems need: strong convexity, smoothness, a Lipschitz constant."""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def weighted_moments(X: Array, bounds: Bounds) -> tuple[Array, ...]:
    r"""Return the means of a x̄x̄ᵀ, b x̄x̄ᵀ and c‖x̄‖ x̄x̄ᵀ, each of shape (p, p), or (0, 0) where nothing is known.

    Parameters
    ----------
    X : array, shape (N, p)
        The rows x̄ₙ: outputs move by at most ‖x̄ₙ‖ ‖w − w'‖.
    bounds : a, b, c
        Example n's loss has its second derivative between aₙ and bₙ, and its third at most cₙ.

    Raises
    ------
    MemoryError
        If a matrix of shape (p, p) would take more than half of the memory that is free.
    """
    a, b, c = bounds
    xp, (N, p) = namespace(X), X.shape
    check_memory("the mean of x̄x̄ᵀ", (p, p), X, remedy="bounds take constants= of your own")
    with np.errstate(over="ignore", invalid="ignore"):
        found = []
        for weights in (a, b, None if c is None else c * xp.sqrt(xp.vecdot(X, X))):
            if weights is None:
                found.append(X[:0, :0])
            else:
                A = X * xp.sqrt(weights * xp.ones_like(X[:, 0]))[:, None]
                found.append(A.T @ A / N)
    return tuple(found)


def linear_constants(moments: Sequence[Array], N: int, l2: float) -> Constants:
    r"""Return the constants of a mean loss over outputs X̄W, from bounds on each loss's derivatives in its outputs.

    .. math:: \mu = \lambda_{\min}\Big(\tfrac1N \sum_n a_n \bar x_n \bar x_n^\top\Big) + \lambda, \quad
              L = \lambda_{\max}\Big(\tfrac1N \sum_n b_n \bar x_n \bar x_n^\top\Big) + \lambda, \quad
              M = \lambda_{\max}\Big(\tfrac1N \sum_n c_n \|\bar x_n\| \bar x_n \bar x_n^\top\Big) .

    Parameters
    ----------
    moments : three arrays
        The means in the formula, as `weighted_moments` returns them, over all rows.
    N : int
        The number of rows.
    l2 : float
        The number λ.

    Returns
    -------
    Constants
        For least squares μ and L are exact but for the rounding of the matrices, (N + p) eps times their norm, allowed
        for in all. Where numbers overflow nothing is known.

    Notes
    -----
    M: example n's second derivative in its outputs changes by at most :math:`c_n \|\bar x_n\| \|w - w'\|`, times
    :math:`\bar x_n \bar x_n^\top` in w. One example attains it, and the mean of :math:`c_n \|\bar x_n\|^3`, the trace,
    is never smaller.
    """
    low, high, change = (_extreme_eigenvalues(A, N) for A in moments)
    M = None if change is None else change[1]
    return Constants(None if low is None else low[0] + l2, None if high is None else high[1] + l2, M)


def _extreme_eigenvalues(A: Array, N: int) -> tuple[float, float] | None:
    """Return the extreme eigenvalues of a mean over N rows, their rounding allowed for; None if it overflows."""
    xp, p = namespace(A), A.shape[0]
    if p == 0 or not math.isfinite(float(xp.sum(A))):
        return None
    eigenvalues = xp.linalg.eigvalsh(A)
    smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    rounding = (N + p) * eps(xp, A.dtype) * largest
    return max(smallest - rounding, 0.0), largest + rounding
