"""Shampoo (Gupta, Koren & Singer, arXiv 1802.09568, Algorithm 1), and with averages and a moment as in released code.

A layer's gradient is its matrix G, shape (rows, columns); its shape is that of the layer's inputs and output gradients.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mpmath import diag, eigsy, eye, fsum, matrix, mpf

from sofim_ref.testing.formulas.conventions import PAPER, Conventions, Vector


def shampoo(
    w: Vector,
    steps: Iterable[dict[str, Any]],
    *,
    lr: float,
    power: float,
    accumulation: str,
    beta2: float,
    beta1: float,
    epsilon: float,
    trace: bool,
    weight_decay: float,
    by: Conventions = PAPER,
) -> Iterator[Vector]:
    """Yield the points of W ← W − η(L⁻ᵖ M̂ R⁻ᵖ (tr L)^(2p − ½) + λW), with ε in L and R."""
    lr, power, beta2, beta1, epsilon, weight_decay = map(mpf, (lr, power, beta2, beta1, epsilon, weight_decay))
    m, factors = [mpf(0)] * len(w), list[Any]()
    for t, step in enumerate(steps, start=1):
        g = by.gradient(step["gradient"], w, weight_decay)
        m = by.moment(m, g, beta1, t)
        m_hat, u, new = by.hat(m, beta1, t), list[Any](), list[Any]()
        for G in layer_matrices(g, step):
            new += [G * G.T, G.T * G]
        kept, added, scale = (1, 1, 1) if accumulation == "sum" else (beta2, 1 - beta2, 1 - beta2**t)
        factors = [kept * old + added * one for old, one in zip(factors or [0 * X for X in new], new, strict=True)]
        for M, L, R in zip(layer_matrices(m_hat, step), factors[::2], factors[1::2], strict=True):
            A, B = L / scale + epsilon * eye(L.rows), R / scale + epsilon * eye(R.rows)
            U = raised(A, -power) * M * raised(B, -power)
            u += flat(U * fsum(A[i, i] for i in range(A.rows)) ** (2 * power - mpf(1) / 2) if trace else U)
        w = by.stepped(w, u, lr, weight_decay)
        yield w


def layer_matrices(v: Vector, step: dict[str, Any]) -> list[Any]:
    """Return each layer's part of a vector as a matrix, row after row."""
    sides = [(len(h[0]), len(s[0])) for h, s in zip(step["inputs"], step["output_gradients"], strict=True)]
    parts = [v[block] for block in step["layers"]]
    return [matrix([part[i * c : (i + 1) * c] for i in range(r)]) for part, (r, c) in zip(parts, sides, strict=True)]


def flat(X: Any) -> Vector:
    """Return the entries of a matrix, row after row."""
    return [X[i, j] for i in range(X.rows) for j in range(X.cols)]


def raised(A: Any, power: Any) -> Any:
    """Return a power of a positive definite matrix, by its eigenvalues."""
    values, Q = eigsy((A + A.T) / 2)
    return Q * diag([value**power for value in values]) * Q.T
