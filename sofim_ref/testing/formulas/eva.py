"""Eva (Zhang, Shi & Li, ICLR 2023), its C written out and solved as the dense matrix it is, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import fsum, mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved
from sofim_ref.testing.formulas.kfac import damped


def eva(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    damping: float,
    decay: float,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of C = γI + uuᵀ, u = ā ⊗ ḡ, one a layer; w ← w − η(C⁻¹g + λ_w w)."""
    lr, damping, decay, weight_decay = map(mpf, (lr, damping, decay, weight_decay))
    means: list[Vector] = []
    for t, step in enumerate(steps, start=1):
        kept, new = min(1 - mpf(1) / t, decay), [mean(rows) for rows in (*step["inputs"], *step["output_gradients"])]
        pairs = zip(means or new, new, strict=True)
        means = [[kept * a + (1 - kept) * b for a, b in zip(*pair, strict=True)] for pair in pairs]
        g, u = by.gradient(step["gradient"], w, weight_decay), []
        n = len(step["inputs"])
        for block, a, b in zip(step["layers"], means[:n], means[n:], strict=True):
            m = [a_i * b_j for a_i in a for b_j in b]
            u += solved(damped([[x * y for y in m] for x in m], damping), g[block])
        w = by.stepped(w, u, lr, weight_decay)
        yield w


def mean(rows: list[Vector]) -> Vector:
    """Return the mean of the rows."""
    return [fsum(column) / len(rows) for column in zip(*rows, strict=True)]
