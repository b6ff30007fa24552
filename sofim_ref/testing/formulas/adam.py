"""Adam (Kingma & Ba 2015); with decoupled weight decay AdamW (Loshchilov & Hutter 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector


def adam(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of u = m̂/(√v̂ + ε); w ← w − η(u + λw)."""
    lr, beta1, beta2, epsilon, decay = map(mpf, (lr, beta1, beta2, epsilon, weight_decay))
    m, v = [mpf(0) for _ in w], [mpf(0) for _ in w]
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, decay)
        m = by.moment(m, g, beta1, t)
        v = [beta2 * v_i + (1 - beta2) * g_i**2 for v_i, g_i in zip(v, g, strict=True)]
        m_hat, v_hat = by.hat(m, beta1, t), by.hat(v, beta2, t, "second")
        root = by.root(v_hat, epsilon, beta2, t)
        w = by.stepped(w, [m_i / root_i for m_i, root_i in zip(m_hat, root, strict=True)], lr, decay)
        yield w
