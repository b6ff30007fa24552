"""SOAA (Vo, arXiv 2410.02293)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import fsum, mpf, sqrt

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector


def soaa(
    w: Vector,
    arguments: Iterable[dict[str, Any]],
    *,
    lr: float,
    steps: int,
    beta1: float,
    beta2: float,
    epsilon: float,
    gamma: float,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of c = 1 + Σm̂²/Σ(v̂+ε); r = max(d c v̂, √v̂); u = d m̂/(r+ε); w ← w − η(u + λw)."""
    lr, beta1, beta2, epsilon, gamma, decay = map(mpf, (lr, beta1, beta2, epsilon, gamma, weight_decay))
    m, v = [mpf(0) for _ in w], [mpf(0) for _ in w]
    mean_loss, d, p = mpf(0), mpf(1), mpf(0)
    for t, step in enumerate(arguments, start=1):
        g, loss = by.gradient(step["gradient"], w, decay), step["loss"]
        m = by.moment(m, g, beta1, t)
        v = [beta2 * v_i + (1 - beta2) * g_i**2 for v_i, g_i in zip(v, g, strict=True)]
        m_hat, v_hat = by.hat(m, beta1, t), by.hat(v, beta2, t, "second")
        c = 1 + fsum(m_i**2 for m_i in m_hat) / fsum(v_i + epsilon for v_i in v_hat)
        r = [max(d * c * v_i, sqrt(v_i)) for v_i in v_hat]
        u = [d * m_i / (r_i + epsilon) for m_i, r_i in zip(m_hat, r, strict=True)]
        w = by.stepped(w, u, lr, decay)
        yield w

        mean_loss = beta1 * mean_loss + (1 - beta1) * loss
        q = mpf(t - 1) / steps
        ratio = (mean_loss / (1 - beta1**t) - loss) / max(p, epsilon)  # p of the step before
        d = min(max(d * ratio, (1 - gamma) ** q), 1 + gamma**q)
        m_u = fsum(m_i * u_i for m_i, u_i in zip(m_hat, u, strict=True))
        u_v_u = fsum(v_i * u_i**2 for v_i, u_i in zip(v_hat, u, strict=True))
        p = lr * (m_u - u_v_u / 2)
