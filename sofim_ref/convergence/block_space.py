"""Steps along v itself, C⁻¹v = αv: in the eigenbasis of the Hessian they are 2 × 2 blocks, one an eigenvalue."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.convergence.companion import CompanionNorm
from sofim_ref.convergence.host_loss import LONG
from sofim_ref.convergence.moment_terms import LARGEST, Past, Terms, contracting
from sofim_ref.convergence.reference import Reference
from sofim_ref.convergence.run import Run
from sofim_ref.convergence.spectral import UNIT

Host = np.ndarray[Any, Any]

STABLE = 0.98
"""The share of the largest stable step that the norm is made for, where the run's own step is larger."""


def terms_in_blocks(run: Run, past: Past, about: Reference, a: Host) -> Terms:
    r"""Return the terms of steps with η C⁻¹v = a v, a of shape (T,).

    A mean of gradients, with or without bias correction, and heavy ball have the closed form of `CompanionNorm`; its ā
    is the median of the last half of the run's. For others, Nesterov's say, each block has a Lyapunov norm of its own.

    Cost: O(d²) a step for the rotation into the eigenbasis, the norm of a step O(1) in closed form and O(d) else.
    """
    A, B = _blocks(past, about.eigenvalues, a)
    R, companion, lengths = _norm(past, about.eigenvalues, a, A)
    R_inverse = np.linalg.inv(R)
    if companion is None or np.any(past.decay):
        xi1 = np.max(spectral_norm(R @ A @ R_inverse), axis=-1)
    else:
        xi1 = companion.step_norm(lengths)
    U = about.basis
    z = np.stack([_rotated(past.delta, U), _rotated(past.moment, U)], axis=-1)
    decay = (past.rate * past.decay)[:, None]
    known = B * _rotated(past.noise, U)[..., None]
    known[..., 0] -= decay * _rotated(about.point, U)
    m = R.shape[-1]
    unit = np.concatenate([np.ones_like(R[:, :1, 0]), about.eigenvalues[:, None]], axis=1)[:, :m]
    condition = float(np.max(np.linalg.cond(R * unit[:, None, :])))
    return Terms(
        error=_length(R, z[..., :m]),
        xi0=_length(R, known[..., :m]),
        xi1=xi1,
        remainder=np.max(np.linalg.norm((R @ B[..., :m, None])[..., 0], axis=-1), axis=-1),
        deviation=float(np.max(np.linalg.norm(R[:, :, 0], axis=-1))) * _deviation(run, past, a),
        relative=(8 * len(U) + 16 * condition) * UNIT,
        norm="‖Δ‖" if m == 1 else f"‖(Δ, M)‖_P, {'in blocks' if companion is None else 'in closed form'}",
        factor=R,
        companion=companion,
        reasons=("",) * len(a),
    )


def spectral_norm(X: Host) -> Host:
    """Return the spectral norms of matrices of shape (..., m, m), m = 1 or 2.

    With σ and σ′ the singular values of ((a, b), (c, d)), (σ ± σ′)² is (a + d)² + (b − c)² and (a − d)² + (b + c)².
    """
    if X.shape[-1] == 1:
        return np.abs(X[..., 0, 0])
    a, b, c, d = X[..., 0, 0], X[..., 0, 1], X[..., 1, 0], X[..., 1, 1]
    return np.asarray((np.hypot(a + d, b - c) + np.hypot(a - d, b + c)) / 2)


def _blocks(past: Past, eigenvalues: Host, a: Host) -> tuple[Host, Host]:
    """Return A, shape (T, k, m, m), and B, shape (T, k, 2): m = 2, or 1 for Δ alone where nothing is remembered."""
    T, k, aw = len(a), len(eigenvalues), a * past.weight
    A, B = np.empty((T, k, 2, 2)), np.empty((T, k, 2))
    A[..., 0, 0] = (1 - past.rate * past.decay)[:, None] - aw[:, None] * eigenvalues
    A[..., 0, 1] = -(a * past.of_moment * past.kept)[:, None]
    A[..., 1, 0] = past.added[:, None] * eigenvalues
    A[..., 1, 1] = past.kept[:, None]
    B[..., 0], B[..., 1] = -aw[:, None], past.added[:, None]
    m = 2 if past.remembers else 1
    return A[..., :m, :m], B


def _norm(past: Past, eigenvalues: Host, a: Host, A: Host) -> tuple[Host, CompanionNorm | None, Host]:
    """Return R, shape (k, m, m), the closed form if there is one, and the a of the steps as it counts them."""
    if not past.remembers:
        return np.ones((len(eigenvalues), 1, 1)), None, a
    scale = np.stack([np.ones_like(eigenvalues), eigenvalues], axis=-1)  # M/λ is of the size of Δ
    b, s = past.kept[0], past.added[0]
    plain = 0 < b < 1 and s > 0 and not np.any(past.of_gradient)
    if plain and np.all(past.kept == b) and np.all(past.added == s):
        unit = (1 - b) / s  # M is the mean of the gradients, times this
        lengths = a * past.of_moment / unit
        limit = STABLE * 2 * (1 + b) / ((1 - b) * eigenvalues[-1])
        step = min(float(np.median(lengths[len(a) // 2 :])), limit)
        if 0 < step < np.inf:
            companion = CompanionNorm(eigenvalues, float(b), step)
            R = companion.factors() * np.asarray([1.0, unit])
            if np.max(np.abs(R * scale[:, None, :])) < LARGEST:
                return R, companion, lengths
    nominal = A[int(np.argmin(np.max(_radius(A), axis=-1)))] * scale[:, None, :] / scale[:, :, None]
    R = contracting(nominal) / scale[:, None, :]
    longest = np.linalg.norm(np.linalg.inv(R)[:, 0, :], axis=-1)
    return R * longest[:, None, None], None, a  # so that |Δ| is at most the norm, in each block


def _radius(A: Host) -> Host:
    """Return the spectral radii of 2 × 2 matrices; infinity where numbers overflow."""
    half = (A[..., 0, 0] + A[..., 1, 1]) / 2
    root = np.sqrt((A[..., 0, 0] - half) ** 2 + A[..., 0, 1] * A[..., 1, 0] + 0j)
    return np.asarray(np.nan_to_num(np.maximum(np.abs(half + root), np.abs(half - root)), nan=np.inf))


def _rotated(x: Host, U: Host) -> Host:
    return np.asarray(x.astype(np.float64) @ U)


def _length(R: Host, z: Host) -> Host:
    """Return ‖z‖_P, z of shape (..., k, m)."""
    return np.asarray(np.linalg.norm(np.einsum("kij,...kj->...ki", R, z), axis=(-2, -1)))


def _deviation(run: Run, past: Past, a: Host) -> Host:
    """Return ‖w⁺ − (w − a v − ηκw)‖ of each step, in the longest float, and that float's rounding."""
    w, following = run.points[: len(a)], run.points[1 : len(a) + 1]
    move = a[:, None] * past.vector + (past.rate * past.decay)[:, None] * w
    sizes = np.linalg.norm(w, axis=-1) + np.linalg.norm(following, axis=-1) + np.linalg.norm(move, axis=-1)
    off = np.linalg.norm(following - w + move, axis=-1) + 4 * np.finfo(LONG).eps * sizes
    return np.asarray(off, dtype=np.float64)
