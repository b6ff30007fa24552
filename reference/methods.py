"""The methods in 50 digits, written from the formulas alone: nothing here imports the library.

Each takes a list of steps, dicts of what a step is told (``gradient``, ``loss``, ``inputs``, ``output_gradients``, as
mpmath numbers in lists), and returns the points w, the starting one first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

Vector = list[Any]
Steps = list[dict[str, Any]]


def sgd(w: Vector, steps: Steps, *, lr: float, momentum: float, nesterov: bool) -> list[Vector]:
    """Return the points of b ← μb + g; v = b, or g + μb; w ← w − ηv."""
    lr, momentum = map(mpmath.mpf, (lr, momentum))
    b, points = [mpmath.mpf(0)] * len(w), [w]
    for step in steps:
        g = step["gradient"]
        b = [momentum * bi + gi for bi, gi in zip(b, g, strict=True)]
        v = [gi + momentum * bi for gi, bi in zip(g, b, strict=True)] if nesterov else b
        points.append([wi - lr * vi for wi, vi in zip(points[-1], v, strict=True)])
    return points


def sofim(
    w: Vector, steps: Steps, *, lr: float, rho: float, beta: float, vector: str, bias_correction: bool
) -> list[Vector]:
    """M ← βM + (1−β)g; C = ρI + M̂M̂ᵀ, written out and inverted as the dense matrix it is; w ← w − η C⁻¹v."""
    lr, rho, beta = map(mpmath.mpf, (lr, rho, beta))
    M, points = [mpmath.mpf(0)] * len(w), [w]
    for t, step in enumerate(steps, start=1):
        g = step["gradient"]
        M = [beta * a + (1 - beta) * b for a, b in zip(M, g, strict=True)]
        M_hat = mpmath.matrix([a / (1 - beta**t) if bias_correction else a for a in M])
        C = rho * mpmath.eye(len(w)) + M_hat * M_hat.T
        x = mpmath.inverse(C) * (M_hat if vector == "moment" else mpmath.matrix(g))
        points.append([wi - lr * xi for wi, xi in zip(points[-1], x, strict=True)])
    return points


def adam(
    w: Vector, steps: Steps, *, lr: float, beta1: float, beta2: float, epsilon: float, weight_decay: float
) -> list[Vector]:
    """Return the points of u = m̂/(√v̂ + ϵ); w ← w − η(u + λw)."""
    lr, beta1, beta2, epsilon, decay = map(mpmath.mpf, (lr, beta1, beta2, epsilon, weight_decay))
    m = v = [mpmath.mpf(0)] * len(w)
    points = [w]
    for t, step in enumerate(steps, start=1):
        g = step["gradient"]
        m = [beta1 * a + (1 - beta1) * b for a, b in zip(m, g, strict=True)]
        v = [beta2 * a + (1 - beta2) * b**2 for a, b in zip(v, g, strict=True)]
        u = [a / (1 - beta1**t) / (mpmath.sqrt(b / (1 - beta2**t)) + epsilon) for a, b in zip(m, v, strict=True)]
        points.append([wi - lr * (ui + decay * wi) for wi, ui in zip(points[-1], u, strict=True)])
    return points


def soaa(w: Vector, steps: Steps, /, **settings: Any) -> list[Vector]:
    """Return the points with c = 1 + Σm̂²/Σ(v̂ + ϵ), and a radius that follows the ratio of losses."""

    def matrix(m: Vector, v: Vector, epsilon: Any) -> Vector:
        c = 1 + mpmath.fsum(a**2 for a in m) / mpmath.fsum(b + epsilon for b in v)
        return [c * b for b in v]

    def radius(d: Any, ratio: Any, low: Any, high: Any, gamma: Any) -> Any:
        return min(max(d * ratio, low), high)

    def predicted(mu: Any, vuu: Any) -> Any:
        return mu - vuu / 2

    return _trust_region(w, steps, matrix, radius, predicted, centred=False, **settings)


def tadam(w: Vector, steps: Steps, /, **settings: Any) -> list[Vector]:
    """Return the points with c = 1 + Σ m̂²/(v̂ + ϵ), v̂ the variance about the mean before, and a radius of three ways."""

    def matrix(m: Vector, v: Vector, epsilon: Any) -> Vector:
        c = 1 + mpmath.fsum(a**2 / (b + epsilon) for a, b in zip(m, v, strict=True))
        return [c * b for b in v]

    def radius(d: Any, ratio: Any, low: Any, high: Any, gamma: Any) -> Any:
        factor = low if ratio < gamma else high if ratio > 1 - gamma else mpmath.mpf(1)
        return min(max(d * factor, low), high)

    def predicted(mu: Any, vuu: Any) -> Any:
        return mu - (mu**2 + vuu) / 2

    return _trust_region(w, steps, matrix, radius, predicted, centred=True, **settings)


def _trust_region(
    w: Vector,
    steps: Steps,
    matrix: Callable[..., Vector],
    next_radius: Callable[..., Any],
    prediction: Callable[..., Any],
    /,
    *,
    centred: bool,
    **settings: Any,
) -> list[Vector]:
    names = ("lr", "beta1", "beta2", "epsilon", "gamma", "weight_decay")
    lr, beta1, beta2, epsilon, gamma, decay = (mpmath.mpf(settings[name]) for name in names)
    T, n = settings["steps"], len(w)
    m, s = [mpmath.mpf(0)] * n, [mpmath.mpf(0)] * n
    v, m_hat = [epsilon if centred else mpmath.mpf(0)] * n, [mpmath.mpf(0)] * n
    mean_loss, d, p, points = mpmath.mpf(0), mpmath.mpf(1), mpmath.mpf(0), [w]
    for t, step in enumerate(steps, start=1):
        g, loss = step["gradient"], step["loss"]
        one, two = 1 - beta1**t, 1 - beta2**t
        scatter = [b**2 for b in g]
        if centred:
            scatter = [(beta2 - beta2**t) / two * (b - a) ** 2 for a, b in zip(m_hat, g, strict=True)]
        v = [beta2 * a + (1 - beta2) * b for a, b in zip(v, scatter, strict=True)]
        m = [beta1 * a + (1 - beta1) * b for a, b in zip(m, g, strict=True)]
        s = [beta2 * a + (1 - beta2) * b**2 for a, b in zip(s, g, strict=True)]
        m_hat, v_hat, s_hat = [a / one for a in m], [a / two for a in v], [a / two for a in s]
        F = matrix(m_hat, v_hat, epsilon)
        r = [max(d * f, mpmath.sqrt(a)) for f, a in zip(F, s_hat, strict=True)]
        u = [d * a / (b + epsilon) for a, b in zip(m_hat, r, strict=True)]
        points.append([wi - lr * (ui + decay * wi) for wi, ui in zip(points[-1], u, strict=True)])

        mean_loss = beta1 * mean_loss + (1 - beta1) * loss
        q = mpmath.mpf(t - 1) / T
        ratio = (mean_loss / one - loss) / max(p, epsilon)
        d = next_radius(d, ratio, (1 - gamma) ** q, 1 + gamma**q, gamma)
        vuu = mpmath.fsum(b * c**2 for b, c in zip(v_hat, u, strict=True))
        p = lr * prediction(mpmath.fdot(m_hat, u), vuu)
    return points


def adafisher(
    w: Vector,
    steps: Steps,
    *,
    lr: float,
    beta: float,
    damping: float,
    gamma: float,
    ema: str,
    update_every: int,
    weight_decay: float,
) -> list[Vector]:
    """F̃ = H ⊗ S + λ, one layer after another; w ← w − η(M̂/F̃ + λ_w w)."""
    gamma = mpmath.mpf(gamma)
    a, b = {
        "paper_v1": (mpmath.mpf(0.92), mpmath.mpf(0.992)),
        "paper_v3": (1 - gamma, gamma),
        "code": (gamma / 10, gamma / 100),
    }[ema]
    lr, beta, damping, decay = map(mpmath.mpf, (lr, beta, damping, weight_decay))
    M, points, H, S = [mpmath.mpf(0)] * len(w), [w], None, None
    for t, step in enumerate(steps, start=1):
        if (t - 1) % update_every == 0:
            H_D = [_scaled(_mean_square(h)) for h in step["inputs"]]
            S_D = [_scaled(_mean_square(s)) for s in step["output_gradients"]]
            H = [[a * (1 if H is None else H[l][i]) + b * x for i, x in enumerate(h)] for l, h in enumerate(H_D)]
            S = [[a * (1 if S is None else S[l][i]) + b * x for i, x in enumerate(s)] for l, s in enumerate(S_D)]
        M = [beta * x + (1 - beta) * y for x, y in zip(M, step["gradient"], strict=True)]
        F = [hi * sc + damping for h, s in zip(H or [], S or [], strict=True) for hi in h for sc in s]
        points.append(
            [wi - lr * (m / (1 - beta**t) / f + decay * wi) for wi, m, f in zip(points[-1], M, F, strict=True)]
        )
    return points


def _mean_square(rows: list[Vector]) -> Vector:
    return [mpmath.fsum(row[i] ** 2 for row in rows) / len(rows) for i in range(len(rows[0]))]


def _scaled(x: Vector) -> Vector:
    return [(a - min(x)) / (max(x) - min(x) + mpmath.mpf("1e-6")) for a in x]
