"""What is known of each step of a run before it: by how much it contracts, and what disturbs it by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.convergence.companion import CompanionNorm

Numbers = np.ndarray[Any, Any]

MOST = 20_000
"""The most first steps that theorem B′ follows, one by one."""

LARGEST = 1e200
"""The largest square of a norm's growth that is followed."""


@dataclass(frozen=True)
class Steps:
    r"""What a theorem knows of the steps t = 1, 2, …, each with an a between 0 and c_tā; later ones are like the last.

    Parameters
    ----------
    theorem : str
        Its name in docs/theory/moment.md.
    rows : tuple of (c, C, D, G)
        c_t is 1, or with bias correction 1/(1 − βᵗ), to the first that is 1 in float64. Of the norm after step t: it is
        at most C ‖·‖_P; steps with a and a' differ by at most D \|a − a'\| ‖z‖_P; a gradient that is off by r moves z
        by at most G ‖r‖.
    settled : int
        The number of steps after which the norm is ‖·‖_P.
    start : float
        C₀, of the norm before the first step, on vectors with M = 0.
    nominal : float
        By what a step with c_tā contracts, from one norm to the next; infinite where nothing is known of it.
    """

    theorem: str
    rows: tuple[tuple[float, float, float, float], ...]
    settled: int = 0
    start: float = 1.0
    nominal: float = math.inf


def plain_steps(norm: CompanionNorm, *, corrected: bool, complete: bool) -> Steps:
    """Return what theorems A and B know, in ‖·‖_P throughout; that the norm has all eigenvalues makes G exact."""
    c = np.ones(1)
    if corrected:
        t = np.arange(1, 2 + math.ceil(math.log(1e-17) / math.log(norm.beta)))
        c = -1 / np.expm1(t * math.log(norm.beta))
    G = norm.remainder_norm(c * norm.step) if complete else norm.remainder_bound(c * norm.step)
    D = float(norm.difference_norm(1, 0))
    rows = tuple((each, 1.0, D, size) for each, size in zip(c.tolist(), G.tolist(), strict=True))
    return Steps("B" if corrected else "A", rows)


def adapted_steps(norm: CompanionNorm, nominal: float) -> Steps | None:
    r"""Return what theorem B′ knows, in norms from one to the next of which the step with c_tā contracts by `nominal`.

    `nominal` is above γ_K, and `norm` has all eigenvalues. None where more than `MOST` steps don't contract by it, or
    numbers overflow.

    Backwards from the first step after which all contract by `nominal` in ‖·‖_P: P_s is P joined with
    :math:`A^\top P_{s+1} A / \text{nominal}^2`, in coordinates in which P is the identity.
    """
    known = plain_steps(norm, corrected=True, complete=True)
    c, C, D, G = np.asarray(known.rows).T
    n = int(np.sum(norm.step_norm(c * norm.step) > nominal))
    if n > MOST:
        return None
    R, force = norm.factors(), (1 - norm.beta) * norm.eigenvalues
    inverse, kept = np.linalg.inv(R), np.full_like(force, norm.beta)
    next_moment = np.stack([force, kept], axis=-1)  # M⁺ of z
    felt = np.linalg.norm((next_moment[:, None, :] @ inverse)[:, 0], axis=-1) * R[:, 0, 0]
    eye = P = np.broadcast_to(np.eye(2), R.shape)
    for s in range(n - 1, -1, -1):  # P is P_{s+1}, that of the norm after step s + 1
        a = c[s] * norm.step
        C[s] = math.sqrt(np.max(np.linalg.eigvalsh(P)))
        D[s] = np.max(felt * np.sqrt(P[:, 0, 0]))
        G[s] = (1 - norm.beta) * max(_size(P, R @ np.asarray([-b, 1.0])) for b in (0.0, a))
        step = R @ np.stack([np.stack([1 - a * force, -a * kept], axis=-1), next_moment], axis=-2) @ inverse / nominal
        if not np.max(np.abs(P)) * np.max(step**2) < LARGEST:
            return None
        values, vectors = np.linalg.eigh(step.mT @ P @ step)
        P = eye + (vectors * np.maximum(values - 1, 0)[:, None, :]) @ vectors.mT
    rows = tuple(zip(c.tolist(), C.tolist(), D.tolist(), G.tolist(), strict=True))
    return Steps("B′", rows, settled=n, start=math.sqrt(np.max(P[:, 0, 0])), nominal=nominal)


def _size(P: Numbers, vectors: Numbers) -> float:
    """Return the largest √(vᵀPv) of vectors v, shape (k, 2)."""
    return math.sqrt(np.max(np.einsum("ki,kij,kj->k", vectors, P, vectors)))
