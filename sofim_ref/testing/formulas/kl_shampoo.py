"""KL-Shampoo (arXiv 2509.03378, the moving average of Claim 2), its factors inverted and rooted as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import eye, mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.shampoo import flat, layer_matrices, raised


def kl_shampoo(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    beta2: float,
    beta1: float,
    epsilon: float,
    initial: float,
    coupling: str,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of W ← W − η((S_a + ε)^−½ M̂ (S_b + ε)^−½ + λW), S_a and S_b aI before the first step."""
    lr, beta2, beta1, epsilon, initial, weight_decay = map(mpf, (lr, beta2, beta1, epsilon, initial, weight_decay))
    m, factors, half = [mpf(0)] * len(w), list[Any](), mpf(1) / 2
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, weight_decay)
        m = by.moment(m, g, beta1, t)
        gradients, u = layer_matrices(g, step), list[Any]()
        factors = factors or [(initial * eye(G.rows), initial * eye(G.cols)) for G in gradients]
        for k, (G, (S_a, S_b)) in enumerate(zip(gradients, factors, strict=True)):
            new = beta2 * S_a + (1 - beta2) / G.cols * (G * raised(S_b + epsilon * eye(G.cols), -1) * G.T)
            other = new if coupling == "sequential" else S_a
            root = raised(other + epsilon * eye(G.rows), -1)
            factors[k] = new, beta2 * S_b + (1 - beta2) / G.rows * (G.T * root * G)
        for M, (S_a, S_b) in zip(layer_matrices(by.hat(m, beta1, t), step), factors, strict=True):
            A, B = S_a + epsilon * eye(M.rows), S_b + epsilon * eye(M.cols)
            u += flat(raised(A, -half) * M * raised(B, -half))
        w = by.stepped(w, u, lr, weight_decay)
        yield w
