"""Root-free RMSProp (Lin et al. 2024, arXiv 2402.03496)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector


def rmsprop_rootfree(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    damping: float,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of s ← β₂s + (1−β₂)g², s₀ = 1/B; u = m̂/(Bs + λ); w ← w − η(u + λ_w w), for B = 1."""
    lr, beta1, beta2, damping, decay = map(mpf, (lr, beta1, beta2, damping, weight_decay))
    m, s = [mpf(0) for _ in w], [mpf(1) for _ in w]
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, decay)
        m = by.moment(m, g, beta1, t)
        s = [beta2 * s_i + (1 - beta2) * g_i**2 for s_i, g_i in zip(s, g, strict=True)]
        u = [m_i / (s_i + damping) for m_i, s_i in zip(by.hat(m, beta1, t), s, strict=True)]
        w = by.stepped(w, u, lr, decay)
        yield w
