"""AdaFisher and AdaFisherW (Martins Gomes et al., arXiv 2405.16397), in three readings of how factors are averaged.

The released code, ``ema="code"``, takes a layer's output gradients of the batch's mean loss: 1/B of an example's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import fsum, mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector


def adafisher(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    beta: float,
    damping: float,
    gamma: float,
    ema: str,
    statistics: str | None,
    update_every: int,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of F̃ = H ⊗ S + λ, one layer after another; w ← w − η(M̂/F̃ + λ_w w)."""
    old, new = weights(ema, gamma)
    of_mean_loss = statistics == "mean_loss" or (statistics is None and ema == "code")
    lr, beta, damping, decay = map(mpf, (lr, beta, damping, weight_decay))
    M = [mpf(0) for _ in w]
    H: list[Vector] = []
    S: list[Vector] = []
    for t, step in enumerate(steps, start=1):
        if (t - 1) % update_every == 0:
            inputs, back = step["inputs"], step["output_gradients"]
            H, S = H or ones(inputs), S or ones(back)
            H = [averaged(*pair, old, new) for pair in zip(H, map(mean_square, inputs), strict=True)]
            scale = len(back[0]) ** 2 if of_mean_loss else 1
            S_D = [[s / scale for s in mean_square(layer)] for layer in back]
            S = [averaged(*pair, old, new) for pair in zip(S, S_D, strict=True)]
        F = [f for h, s in zip(H, S, strict=True) for f in kronecker(h, s, damping)]
        M = by.moment(M, by.gradient(step["gradient"], w, decay), beta, t)
        u = [M_i / F_i for M_i, F_i in zip(by.hat(M, beta, t), F, strict=True)]
        w = by.stepped(w, u, lr, decay)
        yield w


def weights(ema: str, gamma: float) -> tuple[Any, Any]:
    """Return what the old and the new factor are multiplied by."""
    gamma = mpf(gamma)
    return {
        "paper_v1": (mpf("0.92"), mpf("0.992")),
        "paper_v3": (1 - gamma, gamma),
        "code": (gamma / 10, gamma / 100),
    }[ema]


def ones(layers: list[Any]) -> list[Vector]:
    """Return what the factors are before the first step."""
    return [[mpf(1) for _ in rows[0]] for rows in layers]


def mean_square(rows: list[Vector]) -> Vector:
    """Return the diagonal of (1/B) Σ xₙxₙᵀ."""
    return [fsum(x**2 for x in column) / len(rows) for column in zip(*rows, strict=True)]


def averaged(before: Vector, x: Vector, old: Any, new: Any) -> Vector:
    """Return old · before + new · x', x' = (x − min)/(max − min + 1e-6)."""
    span = max(x) - min(x) + mpf("1e-6")
    return [old * before_i + new * (x_i - min(x)) / span for before_i, x_i in zip(before, x, strict=True)]


def kronecker(h: Vector, s: Vector, damping: Any) -> Vector:
    """Return F̃ of a layer: Hᵢ S_c + λ at i · columns + c."""
    return [h_i * s_c + damping for h_i in h for s_c in s]
