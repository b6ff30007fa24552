"""TAdam (Yang, Cho, Lee 2023), as the authors' released TensorFlow code has it; or with SOAA's order of the radius."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import fsum, mpf, sqrt

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector


def tadam(
    w: Vector,
    arguments: Iterable[dict[str, Any]],
    *,
    lr: float,
    steps: int,
    beta1: float,
    beta2: float,
    epsilon: float,
    gamma: float,
    radius: str,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of c = 1 + Σ m̂²/(v̂+ε); r = max(d c v̂, √ŝ); u = d m̂/(r+ε); w ← w − η(u + λw)."""
    lr, beta1, beta2, epsilon, gamma, decay = map(mpf, (lr, beta1, beta2, epsilon, gamma, weight_decay))
    m, v, s = [mpf(0) for _ in w], [epsilon for _ in w], [mpf(0) for _ in w]
    m_hat = [mpf(0) for _ in w]
    mean_loss, d, p = mpf(0), mpf(1), mpf(0)
    for t, step in enumerate(arguments, start=1):
        g, loss = by.gradient(step["gradient"], w, decay), step["loss"]
        q = mpf(t - 1) / steps
        low, high = (1 - gamma) ** q, 1 + gamma**q
        if radius == "at_start" and t > 1:
            ratio = (mean_loss / (1 - beta1 ** (t - 1)) - loss) / max(p, epsilon)
            d = min(max(_factor(ratio, gamma, low, high) * d, low), high)
        share = (beta2 - beta2**t) / (1 - beta2**t)
        v = [
            beta2 * v_i + (1 - beta2) * share * (g_i - m_i) ** 2  # m̂ of the step before
            for v_i, g_i, m_i in zip(v, g, m_hat, strict=True)
        ]
        m = by.moment(m, g, beta1, t)
        s = [beta2 * s_i + (1 - beta2) * g_i**2 for s_i, g_i in zip(s, g, strict=True)]
        m_hat, v_hat, s_hat = by.hat(m, beta1, t), by.hat(v, beta2, t, "second"), by.hat(s, beta2, t, "second")
        c = 1 + fsum(m_i**2 / (v_i + epsilon) for m_i, v_i in zip(m_hat, v_hat, strict=True))
        r = [max(d * c * v_i, sqrt(s_i)) for v_i, s_i in zip(v_hat, s_hat, strict=True)]
        u = [d * m_i / (r_i + epsilon) for m_i, r_i in zip(m_hat, r, strict=True)]
        w = by.stepped(w, u, lr, decay)
        yield w

        mean_loss = beta1 * mean_loss + (1 - beta1) * loss
        if radius == "after_step":
            ratio = (mean_loss / (1 - beta1**t) - loss) / max(p, epsilon)  # p of the step before
            d = min(max(_factor(ratio, gamma, low, high) * d, low), high)
        m_u = fsum(m_i * u_i for m_i, u_i in zip(m_hat, u, strict=True))
        u_v_u = fsum(v_i * u_i**2 for v_i, u_i in zip(v_hat, u, strict=True))
        p = lr * (m_u - (m_u**2 + u_v_u) / 2)


def _factor(ratio: Any, gamma: Any, low: Any, high: Any) -> Any:
    """Return what d is multiplied by, from how much the loss fell, in units of what the step before had predicted."""
    return low if ratio < gamma else high if ratio > 1 - gamma else mpf(1)
