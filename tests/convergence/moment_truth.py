"""The norm of error and moment by its definition, written out for all of (Δ, M), in NumPy or in 50 digits."""

import mpmath
import numpy as np

from sofim_ref.convergence import CompanionNorm

DIGITS = 50


def spectrum(rng, k, condition=100.0, L=1.0):
    """k eigenvalues up to L, the smallest of which is L / condition."""
    return np.sort(np.append(L * condition ** -rng.uniform(0, 1, max(k - 2, 0)), [L / condition, L][-k:]))


def stable_step(rng, beta, L):
    return rng.uniform(0.05, 0.97) * 2 * (1 + beta) / ((1 - beta) * L)


def drawn(rng, k=3, condition=100.0):
    """A norm with a K of its own or the usual one, and an a around its ā."""
    beta = rng.uniform(*((0.02, 0.2) if rng.random() < 0.5 else (0.2, 0.95)))
    lam = spectrum(rng, k, condition ** rng.uniform(0.02, 1))
    step = stable_step(rng, beta, lam[-1])
    norm = CompanionNorm(lam, beta, step)
    if rng.random() < 0.5:
        least = norm.spectral_radius + beta / norm.spectral_radius
        norm = CompanionNorm(lam, beta, step, least + rng.uniform(0.2, 0.8) * (1 + beta - least))
    return norm, step * rng.uniform(0, 3)


def basis(rng, k):
    return np.linalg.qr(rng.standard_normal((k, k)))[0]


def step_matrix(H, beta, a):
    """(2): A_a, shape (2d, 2d)."""
    eye = np.eye(len(H))
    return np.block([[eye - a * (1 - beta) * H, -a * beta * eye], [(1 - beta) * H, beta * eye]])


def force_matrix(d, beta, a):
    """(2): B_a, shape (2d, d)."""
    return (1 - beta) * np.concatenate([-a * np.eye(d), np.eye(d)])


def blocks(norm, lam, mp=False):
    """Each eigenvalue's 2 × 2 block of P by its definition, from V and ω; exactly, if mp, where K is a number given."""
    one = mpmath.mpf(1) if mp else 1.0
    beta, step, K, lam = one * norm.beta, one * norm.step, one * norm.K, one * lam
    root = mpmath.sqrt(K**2 - 4 * beta) if mp else np.sqrt(K**2 - 4 * beta)
    large, small = (K + root) / 2, (K - root) / 2
    pi, theta = (large, small) if norm.pi > norm.theta else (small, large)
    u = (1 + beta - (1 - beta) * step * lam) / K
    omega2 = (1 - 2 * theta * u + theta**2) / ((1 - beta) ** 2 * (1 - u**2))
    V = [[omega2, -omega2 * u * pi], [-omega2 * u * pi, omega2 * pi**2]]
    T = [[1 - beta, beta / lam], [0, 1 / lam]]  # x of (Δ, M)
    if mp:
        V, T = mpmath.matrix(V), mpmath.matrix(T)
        return T.T * V * T
    return np.asarray(T).T @ np.asarray(V) @ np.asarray(T)


def dense(norm, Q=None):
    """P, shape (2k, 2k), in the basis of H's eigenvectors Q."""
    k = len(norm.eigenvalues)
    P = np.zeros((2 * k, 2 * k))
    for i, lam in enumerate(norm.eigenvalues):
        P[np.ix_([i, k + i], [i, k + i])] = blocks(norm, lam)
    if Q is None:
        return P
    both = np.kron(np.eye(2), Q)
    return both @ P @ both.T


def operator_norm(X, P, of=None):
    """The norm of X from ‖·‖_of, or Euclid's, to ‖·‖_P."""
    R = np.linalg.cholesky(P).T
    S = np.linalg.inv(np.linalg.cholesky(of).T) if of is not None else np.eye(X.shape[1])
    return np.linalg.norm(R @ X @ S, 2)


def exact_operator_norm(norm, a):
    """‖A_a‖_P in 50 digits: the largest root of det(AᵀPA − s P) over the blocks."""
    with mpmath.workdps(DIGITS):
        squares = []
        for lam in map(mpmath.mpf, norm.eigenvalues.tolist()):
            beta, a_ = mpmath.mpf(norm.beta), mpmath.mpf(a)
            P = blocks(norm, lam, mp=True)
            A = mpmath.matrix([[1 - a_ * (1 - beta) * lam, -a_ * beta], [(1 - beta) * lam, beta]])
            X = mpmath.inverse(P) * A.T * P * A
            half = (X[0, 0] + X[1, 1]) / 2
            squares.append(half + mpmath.sqrt(half**2 - X[0, 0] * X[1, 1] + X[0, 1] * X[1, 0]))
        return float(mpmath.sqrt(max(squares)))
