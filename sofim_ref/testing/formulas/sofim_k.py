"""Rank-k SOFIM, its C written out and solved as the dense matrix it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import fsum, mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved


def sofim_k(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    rho: float,
    beta: float,
    columns: int,
    collected: str,
    vector: str,
    bias_correction: bool,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of C = ρI + (1/n) Σ uuᵀ over the last n = min(t, k) of u = M̂ or g; w ← w − η(C⁻¹v + λw)."""
    lr, rho, beta, decay = map(mpf, (lr, rho, beta, weight_decay))
    M: Vector = [mpf(0) for _ in w]
    window: list[Vector] = []
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, decay)
        M = by.moment(M, g, beta, t)
        M_hat = by.hat(M, beta, t) if bias_correction else M
        window = [*window, M_hat if collected == "moment" else g][-columns:]
        n = len(window)
        C = [
            [fsum(u[i] * u[j] for u in window) / n + (rho if i == j else 0) for j in range(len(w))]
            for i in range(len(w))
        ]
        w = by.stepped(w, solved(C, M_hat if vector == "moment" else g), lr, decay)
        yield w
