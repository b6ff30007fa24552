"""FOOF (Benzing, arXiv 2201.12250), its C written out and solved as the dense matrix it is, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved
from sofim_ref.testing.formulas.kfac import Matrix, averaged, damped, kronecker, mean_outer


def foof(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    damping: float,
    decay: float,
    update_every: int,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of C = (A + λI) ⊗ I, one a layer; w ← w − η(C⁻¹g + λ_w w)."""
    lr, damping, decay, weight_decay = map(mpf, (lr, damping, decay, weight_decay))
    factors: list[Matrix] = []
    for t, step in enumerate(steps):
        if t % update_every == 0:
            kept, new = min(1 - mpf(1) / (t // update_every + 1), decay), [mean_outer(h) for h in step["inputs"]]
            factors = [averaged(old, one, kept) for old, one in zip(factors or new, new, strict=True)]
        g, u = by.gradient(step["gradient"], w, weight_decay), []
        for block, A, back in zip(step["layers"], factors, step["output_gradients"], strict=True):
            eye = [[mpf(i == j) for j in range(len(back[0]))] for i in range(len(back[0]))]
            u += solved(kronecker(damped(A, damping), eye), g[block])
        w = by.stepped(w, u, lr, weight_decay)
        yield w
