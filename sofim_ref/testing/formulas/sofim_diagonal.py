"""SOFIM with the variance or Adam's diagonal, its C written out and solved as the dense matrix it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved


def sofim_diagonal(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    rho: float,
    diagonal: str,
    rank_one: float,
    beta: float,
    beta2: float,
    vector: str,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of C = diag(D) + c m̂m̂ᵀ, D = ŝ + ρ with the averages s of the scatter, or √v̂ + ρ of g²."""
    lr, rho, c, beta, beta2, decay = map(mpf, (lr, rho, rank_one, beta, beta2, weight_decay))
    m, s, m_hat = [mpf(0) for _ in w], [mpf(0) for _ in w], [mpf(0) for _ in w]
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, decay)
        if diagonal == "variance":
            share = (beta2 - beta2**t) / (1 - beta2**t)
            squares = [share * (g_i - m_i) ** 2 for g_i, m_i in zip(g, m_hat, strict=True)]
        else:
            squares = [g_i**2 for g_i in g]
        m = by.moment(m, g, beta, t)
        m_hat = by.hat(m, beta, t)
        s = [beta2 * s_i + (1 - beta2) * square for s_i, square in zip(s, squares, strict=True)]
        s_hat = by.hat(s, beta2, t, "second")
        D = [s_i + rho for s_i in s_hat] if diagonal == "variance" else by.root(s_hat, rho, beta2, t)
        C = [[c * m_hat[i] * m_hat[j] + (D[i] if i == j else 0) for j in range(len(w))] for i in range(len(w))]
        w = by.stepped(w, solved(C, m_hat if vector == "moment" else g), lr, decay)
        yield w
