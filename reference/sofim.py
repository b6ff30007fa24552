"""SOFIM (arXiv 2403.02833), its C written out and inverted as the dense matrix it is."""

from __future__ import annotations

from typing import Any

from mpmath import eye, inverse, matrix, mpf


def sofim(
    w: list[Any],
    steps: list[dict[str, Any]],
    *,
    lr: float,
    rho: float,
    beta: float,
    vector: str,
    bias_correction: bool,
    scope: str,
) -> list[list[Any]]:
    """Return the points of M ← βM + (1−β)g; C = ρI + M̂M̂ᵀ, one or one a layer; w ← w − η C⁻¹v, v = M̂ or g."""
    lr, rho, beta = map(mpf, (lr, rho, beta))
    M, points = [mpf(0) for _ in w], [w]
    for t, step in enumerate(steps, start=1):
        g = step["gradient"]
        M = [beta * M_i + (1 - beta) * g_i for M_i, g_i in zip(M, g, strict=True)]
        M_hat = [M_i / (1 - beta**t) for M_i in M] if bias_correction else M
        v = M_hat if vector == "moment" else g
        blocks = step["layers"] if scope == "layer" else [slice(0, len(w))]
        x = [x_i for block in blocks for x_i in _solved(rho, M_hat[block], v[block])]
        w = [w_i - lr * x_i for w_i, x_i in zip(w, x, strict=True)]
        points.append(w)
    return points


def _solved(rho: Any, M_hat: list[Any], v: list[Any]) -> list[Any]:
    """Return (ρI + M̂M̂ᵀ)⁻¹v."""
    C = rho * eye(len(v)) + matrix(M_hat) * matrix(M_hat).T
    return list(inverse(C) * matrix(v))
