"""EKFAC (George et al., arXiv 1806.03884, eq. 6 and Algorithm 1), each layer's C written out and solved densely.

The output gradients of its steps stand for those of labels that were drawn from the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import eigsy, fsum, matrix, mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved
from sofim_ref.testing.formulas.kfac import Matrix, averaged, kronecker, mean_outer


def ekfac(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    damping: float,
    decay: float,
    diagonal_decay: float,
    update_every: int,
    start: str,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of C = Q diag(E[(Qᵀg)²] + λ) Qᵀ, one a layer; w ← w − η(C⁻¹g + λ_w w)."""
    lr, damping, decay, diagonal_decay, weight_decay = map(mpf, (lr, damping, decay, diagonal_decay, weight_decay))
    factors: list[Matrix] = []
    bases: list[tuple[Matrix, Vector]] = []
    s: list[Vector] = []
    for t, step in enumerate(steps):
        inputs, back, k = step["inputs"], step["output_gradients"], t % update_every
        if k == 0:
            kept = min(1 - mpf(1) / (t // update_every + 1), decay)
            new = [mean_outer(rows) for rows in (*inputs, *back)]
            factors = [averaged(old, one, kept) for old, one in zip(factors or new, new, strict=True)]
            pairs = zip(factors[: len(inputs)], factors[len(inputs) :], strict=True)
            bases = [eigenbasis(A, G) for A, G in pairs]
            s = [products for _, products in bases]
        kept = diagonal_decay if start == "eigenvalues" else min(1 - mpf(1) / (k + 1), diagonal_decay)
        layers = list(zip(bases, inputs, back, strict=True))
        now = [mean_squares(Q, h, d) for (Q, _), h, d in layers]
        s = [[kept * a + (1 - kept) * b for a, b in zip(*pair, strict=True)] for pair in zip(s, now, strict=True)]
        g = by.gradient(step["gradient"], w, weight_decay)
        blocks = zip(step["layers"], bases, s, strict=True)
        u = [u_i for block, (Q, _), s_l in blocks for u_i in solved(rotated(Q, s_l, damping), g[block])]
        w = by.stepped(w, u, lr, weight_decay)
        yield w


def eigenbasis(A: Matrix, G: Matrix) -> tuple[Matrix, Vector]:
    """Return Q = Q_A ⊗ Q_G and the products of the eigenvalues of A and G, both in ascending order."""
    (a, P), (g, R) = (eigsy(matrix(X)) for X in (A, G))
    return kronecker(P.tolist(), R.tolist()), [a_i * g_j for a_i in a for g_j in g]


def mean_squares(Q: Matrix, h: list[Vector], s: list[Vector]) -> Vector:
    """Return the mean over the batch of (Qᵀg)², g = h ⊗ s."""
    gradients = [[a * b for a in x for b in y] for x, y in zip(h, s, strict=True)]
    columns = list(zip(*Q, strict=True))
    along = [[fsum(q * g_i for q, g_i in zip(column, g, strict=True)) ** 2 for g in gradients] for column in columns]
    return [fsum(squares) / len(gradients) for squares in along]


def rotated(Q: Matrix, s: Vector, damping: Any) -> Matrix:
    """Return Q diag(s + λ) Qᵀ."""
    return [[fsum(a * (x + damping) * b for a, x, b in zip(row, s, other, strict=True)) for other in Q] for row in Q]
