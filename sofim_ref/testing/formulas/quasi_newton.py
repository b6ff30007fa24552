"""BFGS, DFP and between (Nocedal & Wright 2006, §6.1 and §6.3): B of all pairs, a pair's gradients on one batch.

No line search. B is solved as the dense matrix that it is. SR1 has no trajectories: it divides by sᵀ(y − Bs), which is
small whenever B predicts y well, and magnifies rounding by its inverse, up to 10⁸ in a step: within 100 steps of any
case no digit of float64 is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import mpf, sqrt

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved
from sofim_ref.testing.formulas.lbfgs import difference, dot, gradient_at

_EPS = mpf(2) ** -52


def quasi_newton(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    phi: float,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of w ← w − η(B⁻¹g + λw), B of all pairs s = w' − w, y = ∇f(w') − ∇f(w)."""
    lr, phi, decay, start = mpf(lr), mpf(phi), mpf(weight_decay), w
    B: list[Vector] | None = None
    for step in steps:
        g, before = by.gradient(gradient_at(w, step, start), w, decay), w
        known = B or scaled(max(mpf(1), sqrt(dot(g, g))), len(w))
        w = by.stepped(w, solved(known, g), lr, decay)
        s = difference(w, before)
        y = difference(by.gradient(gradient_at(w, step, start), w, decay), g)
        B = updated(B, s, y, phi)
        yield w


def scaled(size: Any, d: int) -> list[Vector]:
    """Return a multiple of the identity."""
    return [[size * (i == j) for j in range(d)] for i in range(d)]


def updated(B: list[Vector] | None, s: Vector, y: Vector, phi: Any) -> list[Vector] | None:
    """Return B⁺ of Broyden's class, (6.32); B where sᵀy ≤ eps ‖s‖‖y‖. The first starts from (yᵀy/|sᵀy|) I."""
    s_y, size = dot(s, y), range(len(s))
    if s_y <= _EPS * sqrt(dot(s, s) * dot(y, y)):
        return B
    B = B or scaled(dot(y, y) / s_y, len(s))
    Bs = [dot(row, s) for row in B]
    s_B_s = dot(s, Bs)
    v = [a / s_y - b / s_B_s for a, b in zip(y, Bs, strict=True)]
    return [
        [B[i][j] - Bs[i] * Bs[j] / s_B_s + y[i] * y[j] / s_y + phi * s_B_s * v[i] * v[j] for j in size] for i in size
    ]
