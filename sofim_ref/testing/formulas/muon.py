"""Muon with the exact orthogonal factor (Jordan's note of December 2024; arXiv 2409.20325, §3), by singular values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import diag, eigsy, mpf, sqrt

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.shampoo import flat, layer_matrices


def muon(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    momentum: float,
    nesterov: bool,
    epsilon: float,
    scale: str,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of W ← W − η(c UVᵀ + λW), N = UΣVᵀ, N = G + μM or M, M ← μM + G; σ below εσ₁ raised to that."""
    lr, mu, epsilon, weight_decay = map(mpf, (lr, momentum, epsilon, weight_decay))
    m = [mpf(0)] * len(w)
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, weight_decay)
        m = by.moment(m, g, mu, t, average="sum")
        n = [g_i + mu * m_i for g_i, m_i in zip(g, m, strict=True)] if nesterov else m
        u = [u_i for N in layer_matrices(n, step) for u_i in flat(factor(N.rows, N.cols, scale) * polar(N, epsilon))]
        w = by.stepped(w, u, lr, weight_decay)
        yield w


def polar(N: Any, epsilon: Any) -> Any:
    """Return N V diag(1/max(σ, εσ₁)) Vᵀ, which is UVᵀ where no σ is small; 0 for N = 0."""
    squares, V = eigsy(N.T * N)
    sigma = [sqrt(max(square, mpf(0))) for square in squares]
    least = epsilon * max(sigma)
    return N * V * diag([1 / max(s, least) for s in sigma]) * V.T if least else N


def factor(rows: int, columns: int, scale: str) -> Any:
    """Return what UVᵀ is multiplied by: 1, √max(1, columns/rows), or 0.2 √max(rows, columns)."""
    if scale == "original":
        return sqrt(max(mpf(1), mpf(columns) / rows))
    return mpf("0.2") * sqrt(mpf(max(rows, columns))) if scale == "match_rms_adamw" else mpf(1)
