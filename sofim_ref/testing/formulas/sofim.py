"""SOFIM (arXiv 2403.02833), its C written out and solved as the dense matrix it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mpmath import fsum, mpf, sqrt

from sofim_ref.testing.formulas.conventions import GUARD, PAPER, Conventions, Vector
from sofim_ref.testing.formulas.elimination import solved


def sofim(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    rho: float,
    beta: float,
    vector: str,
    bias_correction: bool,
    scope: str,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of M ← βM + (1−β)g; C = ρI + M̂M̂ᵀ, one or one a layer; w ← w − η C⁻¹v, v = M̂ or g."""
    lr, rho, beta = map(mpf, (lr, rho, beta))
    M = [mpf(0) for _ in w]
    for t, step in enumerate(steps, start=1):
        g = step["gradient"]
        M = by.moment(M, g, beta, t)
        M_hat = by.hat(M, beta, t) if bias_correction else M
        v = M_hat if vector == "moment" else g
        blocks = step["layers"] if scope == "layer" else [slice(0, len(w))]
        x = [x_i for block in blocks for x_i in _solved(rho, M_hat[block], v[block], by)]
        w = by.stepped(w, x, lr, mpf(0))
        yield w


WRONG: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "ρ + ‖M̂‖": lambda rho, q: (1 / rho, -1 / (rho * (rho + sqrt(q)))),
    "plus": lambda rho, q: (1 / rho, 1 / (rho * (rho + q))),
    "no ρ": lambda rho, q: (1 / rho, -1 / (rho * q)),
    "ρ + ‖M̂‖²": lambda rho, q: (1 / rho, -1 / (rho + q)),
    "ρ² + ‖M̂‖²": lambda rho, q: (1 / rho, -1 / (rho**2 + q)),
    "ρ²(ρ + ‖M̂‖²)": lambda rho, q: (1 / rho, -1 / (rho**2 * (rho + q))),
    "undivided": lambda rho, _: (1 / rho, mpf(-1)),
    "v": lambda rho, q: (mpf(1), -1 / (rho * (rho + q))),
    "v undivided": lambda *_: (mpf(1), mpf(-1)),
}
"""Wrong Sherman–Morrison formulas: from ρ and ‖M̂‖² to a and b in a·v + b·M̂M̂ᵀv."""


def _solved(rho: Any, M_hat: Vector, v: Vector, by: Conventions) -> Vector:
    """Return (ρI + M̂M̂ᵀ)⁻¹v, or what a wrong formula for it gives."""
    square = fsum(M_i**2 for M_i in M_hat)
    if by.inverse in WRONG:
        a, b = WRONG[by.inverse](rho, square)
        along = fsum(M_i * v_i for M_i, v_i in zip(M_hat, v, strict=True))
        return [a * v_i + b * along * M_i for v_i, M_i in zip(v, M_hat, strict=True)]
    if by.inverse == "no ρ in the denominator":
        return [v_i / square for v_i in v]
    scale = sqrt(square) if by.matrix == "norm" and square else 1
    C = [[M_i * M_j / scale for M_j in M_hat] for M_i in M_hat]
    for i, row in enumerate(C):
        row[:] = [C_ij + rho if i == j else C_ij * (by.matrix != "diagonal") for j, C_ij in enumerate(row)]
    x = solved(C, v)
    if by.guard == "second denominator":
        lost = 1 / (rho**2 + rho * square) - 1 / (rho**2 + rho * square + GUARD)
        along = fsum(M_i * v_i for M_i, v_i in zip(M_hat, v, strict=True))
        return [x_i + lost * along * M_i for x_i, M_i in zip(x, M_hat, strict=True)]
    guard = GUARD if by.guard == "denominator" else 0
    return [x_i * (rho + square) / (rho + square + guard) for x_i in x]
