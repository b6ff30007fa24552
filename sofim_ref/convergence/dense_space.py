"""Steps with any other C: the matrices of the space of error and moment are written out."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.convergence.moment_terms import Past, Terms, contracting
from sofim_ref.convergence.reference import Reference
from sofim_ref.convergence.rounding import deviation
from sofim_ref.convergence.run import Run
from sofim_ref.convergence.spectral import UNIT, matrix_norms

Host = np.ndarray[Any, Any]

WRITTEN = 200
"""Up to this d they are."""


def terms_written_out(run: Run, past: Past, about: Reference) -> Terms:
    r"""Return the terms of steps with any C.

    The norm is made for one of the run's own steps: of the first, the middle and the last one, that
    whose matrix has the smallest spectral radius. Nothing promises that the other steps contract in it.

    Cost: O(d³) a step, of matrices of shape (2d, 2d).
    """
    U, E = about.basis, np.concatenate([about.basis, about.null], axis=1)
    (d, k), m = U.shape, 2 if past.remembers else 1
    norms = [matrix_norms(step.matrix) for step in run.steps]
    regular = [t for t, known in enumerate(norms) if not known.reason]
    systems = {t: _system(past, t, about, U.T @ norms[t].matrix.solve(E)) for t in regular}
    scale = np.concatenate([np.ones(k), np.full(k, about.eigenvalues[-1])])[: m * k]  # M/L is of the size of Δ
    sample = {*regular[:1], *regular[-1:], *regular[len(regular) // 2 :][:1]}
    R = _norm([systems[t][0] for t in sample], scale, remembers=past.remembers)
    R_inverse = np.linalg.inv(R)
    z = np.concatenate([_float(past.delta) @ U, _float(past.moment) @ U], axis=1)[:, : m * k]
    error = np.linalg.norm(z @ R.T, axis=1)
    condition = float(np.linalg.cond(R * scale))
    xi0, xi1, remainder, off = np.full((4, len(norms)), np.nan)
    for t, (A, B) in systems.items():
        known, size = norms[t], _size(A * scale / scale[:, None])
        decay, w = past.rate[t] * past.decay[t], run.points[t]
        disturbed = B @ np.concatenate([_float(past.noise[t]) @ E, _float(past.moment[t]) @ about.null])[: B.shape[1]]
        disturbed[:k] -= decay * (_float(about.point) @ U)
        way = w - run.points[t + 1] - decay * w
        xi0[t], xi1[t], remainder[t] = np.linalg.norm(R @ disturbed), _size(R @ A @ R_inverse), _size(R @ B[:, :d])
        off[t] = _size(R[:, :k]) * deviation(known, way, past.rate[t] * past.vector[t], 0.0)
        off[t] += known.solve_error * condition * (1 + size) * error[t]
    return Terms(
        error=error,
        xi0=xi0,
        xi1=xi1,
        remainder=remainder,
        deviation=off,
        relative=8 * m * d * UNIT * condition,
        norm="‖Δ‖" if m == 1 else "‖(Δ, M)‖_P, written out",
        factor=R,
        companion=None,
        reasons=tuple(known.reason for known in norms),
    )


def _system(past: Past, t: int, about: Reference, inverse: Host) -> tuple[Host, Host]:
    """Return A, shape (2k, 2k), and B, shape (2k, 2d − k), of step t; the first k of both where nothing is remembered.

    `inverse` is Uᵀ C⁻¹ (U, V), shape (k, d). The first d columns of B are those of a gradient, the others those of the
    moment in the null space V, which is no part of z.
    """
    (d, k), eta, values = about.basis.shape, past.rate[t], about.eigenvalues
    gradient, moment = eta * past.weight[t] * inverse, eta * past.of_moment[t] * past.kept[t] * inverse
    A, B = np.zeros((2 * k, 2 * k)), np.zeros((2 * k, 2 * d - k))
    A[:k, :k] = (1 - eta * past.decay[t]) * np.eye(k) - gradient[:, :k] * values
    A[:k, k:] = -moment[:, :k]
    A[k:, :k] = past.added[t] * np.diag(values)
    A[k:, k:] = past.kept[t] * np.eye(k)
    B[:k, :d], B[:k, d:] = -gradient, -moment[:, k:]
    B[k:, :k] = past.added[t] * np.eye(k)
    rows = 2 * k if past.remembers else k
    return A[:rows, :rows], B[:rows]


def _norm(systems: list[Host], scale: Host, *, remembers: bool) -> Host:
    """Return R for the step of the smallest spectral radius, with ‖Δ‖ at most the norm."""
    if not (systems and remembers):
        return np.eye(len(scale))
    radii = [np.max(np.abs(np.linalg.eigvals(A))) if np.isfinite(A).all() else np.inf for A in systems]
    nominal = systems[int(np.argmin(radii))]
    R = contracting(nominal * scale / scale[:, None]) / scale
    return R * _size(np.linalg.inv(R)[: len(scale) // 2])


def _size(X: Host) -> float:
    return float(np.linalg.norm(X, 2))


def _float(x: Host) -> Host:
    return x.astype(np.float64)
