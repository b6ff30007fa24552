"""Gradient descent: plain, with heavy-ball momentum, with Nesterov's."""

from __future__ import annotations

from typing import Any

from mpmath import mpf


def sgd(w: list[Any], steps: list[dict[str, Any]], *, lr: float, momentum: float, nesterov: bool) -> list[list[Any]]:
    """Return the points of b ← μb + g; v = b, or g + μb; w ← w − ηv."""
    lr, mu = mpf(lr), mpf(momentum)
    b, points = [mpf(0) for _ in w], [w]
    for step in steps:
        g = step["gradient"]
        b = [mu * b_i + g_i for b_i, g_i in zip(b, g, strict=True)]
        v = [g_i + mu * b_i for g_i, b_i in zip(g, b, strict=True)] if nesterov else b
        w = [w_i - lr * v_i for w_i, v_i in zip(w, v, strict=True)]
        points.append(w)
    return points
