"""SOAP (Vyas et al., arXiv 2409.11321, Algorithms 3 and 4): Adam in the eigenvectors of Shampoo's averaged factors.

Its trajectories are of one case alone, "square", of two square layers. The bases begin as eigenvectors of GGᵀ and GᵀG
of the first gradient. Where that is zero, or of low rank, as a column or a row is, a basis of the null space is any
orthonormal one, and Adam's element-wise squares depend on which: two right implementations differ by as much as they
move there. Signs and the order of the vectors change nothing.

Their ε is 1e-3 and not the usual 1e-8: in the first step the bases are the gradient's own singular vectors, along which
all but its singular values is rounding, which is divided by ε plus its own size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import eigsy, matrix, mpf, qr

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.shampoo import flat, layer_matrices


def soap(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    shampoo_beta: float,
    update_every: int,
    basis: str,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of W ← W − η(Q_L ((Q_Lᵀ m̂ Q_R)/(√v̂ + ε)) Q_Rᵀ + λW), v the average of (Q_LᵀGQ_R)²."""
    lr, beta1, beta2, epsilon, weight_decay = map(mpf, (lr, beta1, beta2, epsilon, weight_decay))
    m, v, kept = [mpf(0)] * len(w), [mpf(0)] * len(w), mpf(shampoo_beta)
    pairs, bases = list[Any](), list[Any]()
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, weight_decay)
        gradients = layer_matrices(g, step)
        new = [(G * G.T, G.T * G) for G in gradients]
        pairs = [
            (kept * L + (1 - kept) * A, kept * R + (1 - kept) * B)
            for (L, R), (A, B) in zip(pairs or new, new, strict=True)
        ]
        bases = bases or [(eigenvectors(L), eigenvectors(R)) for L, R in new]
        m = by.moment(m, g, beta1, t)
        turned = [x for G, (P, Q) in zip(gradients, bases, strict=True) for x in flat(P.T * G * Q)]
        v = by.moment(v, [x * x for x in turned], beta2, t)
        roots = by.root(by.hat(v, beta2, t, "second"), epsilon, beta2, t)
        u, at = list[Any](), 0
        for M, (P, Q) in zip(layer_matrices(by.hat(m, beta1, t), step), bases, strict=True):
            along = flat(P.T * M * Q)
            shares = [a / r for a, r in zip(along, roots[at : at + len(along)], strict=True)]
            at += len(along)
            U = matrix([shares[i * M.cols : (i + 1) * M.cols] for i in range(M.rows)])
            u += flat(P * U * Q.T)
        w = by.stepped(w, u, lr, weight_decay)
        if t > 1 and t % update_every == 0:
            bases = [updated(pair, old, basis) for pair, old in zip(pairs, bases, strict=True)]
        yield w


def updated(factors: tuple[Any, Any], bases: tuple[Any, Any], basis: str) -> tuple[Any, Any]:
    """Return the next bases: the orthogonal factors of LP and RQ, or new eigenvectors."""
    L, R = factors
    P, Q = bases
    return (eigenvectors(L), eigenvectors(R)) if basis == "eigenvectors" else (qr(L * P)[0], qr(R * Q)[0])


def eigenvectors(L: Any) -> Any:
    """Return the eigenvectors of a symmetric matrix, in ascending order of the eigenvalues."""
    return eigsy(L)[1]
