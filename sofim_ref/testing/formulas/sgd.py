"""Gradient descent: plain, with heavy-ball momentum, with Nesterov's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector


def sgd(
    w: Vector, steps: Iterable[dict[str, Any]], *, lr: float, momentum: float, nesterov: bool, by: Conventions = PAPER
) -> Iterator[Vector]:
    """Yield the points of b ← μb + g; v = b, or g + μb; w ← w − ηv."""
    lr, mu = mpf(lr), mpf(momentum)
    b = [mpf(0) for _ in w]
    for t, step in enumerate(steps, start=1):
        g = step["gradient"]
        b = by.moment(b, g, mu, t, average="sum")
        v = [g_i + mu * b_i for g_i, b_i in zip(g, b, strict=True)] if nesterov else b
        w = by.stepped(w, v, lr, mpf(0))
        yield w
