"""AdaGrad (Duchi, Hazan & Singer 2011, JMLR 12:2121), the diagonal one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import mpf, sqrt

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector


def adagrad(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    epsilon: float,
    placement: str,
    initial_accumulator: float,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of s ← s + g²; u = g/(√s + ϵ) or g/√(s + ϵ); w ← w − η(u + λw)."""
    lr, epsilon, decay = map(mpf, (lr, epsilon, weight_decay))
    s = [mpf(initial_accumulator) for _ in w]
    for step in steps:
        g = by.gradient(step["gradient"], w, decay)
        s = [s_i + g_i**2 for s_i, g_i in zip(s, g, strict=True)]
        root = [sqrt(s_i) + epsilon if placement == "outside" else sqrt(s_i + epsilon) for s_i in s]
        w = by.stepped(w, [g_i / root_i for g_i, root_i in zip(g, root, strict=True)], lr, decay)
        yield w
