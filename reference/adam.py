"""Adam (Kingma & Ba 2015); with decoupled weight decay AdamW (Loshchilov & Hutter 2019)."""

from __future__ import annotations

from typing import Any

from mpmath import mpf, sqrt


def adam(
    w: list[Any],
    steps: list[dict[str, Any]],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    weight_decay: float,
) -> list[list[Any]]:
    """Return the points of u = m̂/(√v̂ + ε); w ← w − η(u + λw)."""
    lr, beta1, beta2, epsilon, decay = map(mpf, (lr, beta1, beta2, epsilon, weight_decay))
    m, v, points = [mpf(0) for _ in w], [mpf(0) for _ in w], [w]
    for t, step in enumerate(steps, start=1):
        g = step["gradient"]
        m = [beta1 * m_i + (1 - beta1) * g_i for m_i, g_i in zip(m, g, strict=True)]
        v = [beta2 * v_i + (1 - beta2) * g_i**2 for v_i, g_i in zip(v, g, strict=True)]
        m_hat, v_hat = [m_i / (1 - beta1**t) for m_i in m], [v_i / (1 - beta2**t) for v_i in v]
        u = [m_i / (sqrt(v_i) + epsilon) for m_i, v_i in zip(m_hat, v_hat, strict=True)]
        w = [w_i - lr * (u_i + decay * w_i) for w_i, u_i in zip(w, u, strict=True)]
        points.append(w)
    return points
