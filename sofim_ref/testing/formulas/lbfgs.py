"""L-BFGS (Nocedal 1980) with both gradients of a pair on one batch (Schraudolph, Yu & Günter 2007); no line search.

B is written out by the BFGS formula, pair by pair, and solved as the dense matrix that it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import fsum, mpf, sqrt

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved

Pair = tuple[Vector, Vector]


def lbfgs(
    w: Vector, steps: Iterable[dict[str, Any]], *, lr: float, history: int, weight_decay: float, by: Conventions = PAPER
) -> Iterator[Vector]:
    """Yield the points of w ← w − η(B⁻¹g + λw), B of the last pairs s = w' − w, y = ∇f(w') − ∇f(w)."""
    lr, decay = mpf(lr), mpf(weight_decay)
    start, pairs, before = w, list[Pair](), None
    for step in steps:
        g = by.gradient(gradient_at(w, step, start), w, decay)
        if by.pairs == "torch" and not any(g):
            yield w
            continue
        if before and by.pairs:
            pairs = kept(pairs, difference(w, before[0]), difference(g, before[1]), history)
        scale = mpf(1) if before and by.pairs == "torch" else first_scale(g, by)
        before = w, g
        w = by.stepped(w, solved(bfgs(pairs, scale, len(w), by), g), lr, decay)
        if not by.pairs:
            y = difference(by.gradient(gradient_at(w, step, start), w, decay), g)
            pairs = kept(pairs, difference(w, before[0]), y, history)
        yield w


def gradient_at(w: Vector, step: dict[str, Any], start: Vector) -> Vector:
    """Return the gradient at w of a quadratic with a given gradient at the start."""
    moved = difference(w, start)
    return [g_i + dot(row, moved) for g_i, row in zip(step["gradient"], step["hessian"], strict=True)]


def kept(pairs: list[Pair], s: Vector, y: Vector, history: int) -> list[Pair]:
    """Return the last pairs with the new one, which is left out if sᵀy ≤ eps ‖s‖²."""
    return [*pairs, (s, y)][-history:] if dot(s, y) > mpf(2) ** -52 * dot(s, s) else pairs


def bfgs(pairs: list[Pair], scale: Any, d: int, by: Conventions) -> list[Vector]:
    """Return B: (yᵀy/sᵀy) I of the newest pair, or scale · I, updated by each pair, the oldest first."""
    size = range(d)
    if pairs:
        s, y = pairs[-1]
        scale = {"": dot(y, y) / dot(s, y), "long": dot(s, y) / dot(s, s), "identity": mpf(1)}[by.initial]
    B = [[scale * (i == j) for j in size] for i in size]
    for s, y in pairs:
        Bs = [dot(row, s) for row in B]
        s_B_s, s_y = dot(s, Bs), dot(s, y)
        B = [[B[i][j] - Bs[i] * Bs[j] / s_B_s + y[i] * y[j] / s_y for j in size] for i in size]
    return B


def first_scale(g: Vector, by: Conventions) -> Any:
    """Return what B is before there is a pair, times I."""
    length = {"": sqrt(dot(g, g)), "1-norm": fsum(map(abs, g)), "whole": mpf(1)}[by.first]
    return max(mpf(1), length)


def difference(x: Vector, y: Vector) -> Vector:
    """Return x − y."""
    return [a - b for a, b in zip(x, y, strict=True)]


def dot(x: Vector, y: Vector) -> Any:
    """Return xᵀy."""
    return fsum(a * b for a, b in zip(x, y, strict=True))
