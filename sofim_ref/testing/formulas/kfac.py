"""K-FAC (Martens & Grosse, arXiv 1503.05671, §4.2 and §6.3), each layer's C written out and solved as a dense matrix.

The output gradients of its steps stand for those of labels that were drawn from the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import fsum, mpf, sqrt

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved

Matrix = list[Vector]


def kfac(
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
    """Yield the points of C = (A + π√λ I) ⊗ (G + √λ/π I), one a layer; w ← w − η(C⁻¹g + λ_w w)."""
    lr, damping, decay, weight_decay = map(mpf, (lr, damping, decay, weight_decay))
    factors: list[Matrix] = []
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, weight_decay)
        if (t - 1) % update_every == 0:
            kept = decay if by.ramp else min(1 - mpf(1) / ((t - 1) // update_every + 1), decay)
            new = [mean_outer(rows) for rows in (*step["inputs"], *step["output_gradients"])]
            first = [[[mpf(0)] * len(one)] * len(one) for one in new] if by.ramp == "from zero" else new
            factors = [averaged(old, one, kept) for old, one in zip(factors or first, new, strict=True)]
        layers = step["layers"]
        pairs = zip(layers, factors[: len(layers)], factors[len(layers) :], strict=True)
        u = [u_i for block, A, G in pairs for u_i in solved(damped_product(A, G, damping, by), g[block])]
        w = by.stepped(w, u, lr, weight_decay)
        yield w


def mean_outer(rows: list[Vector]) -> Matrix:
    """Return (1/B) Σ xₙxₙᵀ."""
    columns = list(zip(*rows, strict=True))
    return [[fsum(a * b for a, b in zip(x, y, strict=True)) / len(rows) for y in columns] for x in columns]


def averaged(old: Matrix, new: Matrix, kept: Any) -> Matrix:
    """Return εA + (1−ε)A_batch."""
    return [[kept * a + (1 - kept) * b for a, b in zip(*pair, strict=True)] for pair in zip(old, new, strict=True)]


def damped_product(A: Matrix, G: Matrix, damping: Any, by: Conventions) -> Matrix:
    """Return (A + π√λ I) ⊗ (G + √λ/π I), π² the mean of A's diagonal over that of G's, or 1 where one of them is 0."""
    if by.damping == "product":
        return damped(kronecker(A, G), damping)
    mean_A, mean_G = (fsum(X[i][i] for i in range(len(X))) / len(X) for X in (A, G))
    pi = sqrt(mean_A / mean_G) if mean_A and mean_G and by.damping == "factored" else mpf(1)
    return kronecker(damped(A, pi * sqrt(damping)), damped(G, sqrt(damping) / pi))


def kronecker(A: Matrix, G: Matrix) -> Matrix:
    """Return A ⊗ G."""
    return [[a * b for a in row_A for b in row_G] for row_A in A for row_G in G]


def damped(X: Matrix, damping: Any) -> Matrix:
    """Return X + λI."""
    return [[x + damping * (i == j) for j, x in enumerate(row)] for i, row in enumerate(X)]
