"""The arguments of the trajectories: gradients drawn beforehand, which don't depend on w, so that no error grows.

All are made of multiples of 1/256 and powers of two, few digits each: no machine's exp or sum rounds them otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Host = np.ndarray[Any, Any]

STEPS, BATCH = 100, 4

LAYERS = {
    "random": ((2, 2), (1, 2)),
    "collinear": ((3, 1), (2, 1)),
    "orthogonal": ((2, 1), (1, 2)),
    "zero": ((1, 2), (2, 1)),
    "huge and tiny": ((3, 2), (1, 3)),
    "square": ((2, 2), (2, 2)),
}
"""From a case to the rows and columns of its layers, of which w is made."""

CASES = tuple(LAYERS)[:5]
"""Those of most methods; "square" has layers whose gradients are of full rank, for methods that need that."""

_HADAMARD = np.asarray([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])


def dim(case: str) -> int:
    """Return the number d of parameters of a case."""
    return sum(rows * columns for rows, columns in LAYERS[case])


def start(case: str) -> Host:
    """Return where every trajectory of a case starts, shape (d,)."""
    return _rounded(np.linspace(-1, 1, dim(case)))


def gradients(case: str) -> Host:
    """Return the gradients of a case, shape (STEPS, d)."""
    rng = np.random.default_rng((0, list(LAYERS).index(case)))
    G = _rounded(rng.standard_normal((STEPS, dim(case))))
    if case == "collinear":
        G = G[:, :1] * G[0]
    elif case == "orthogonal":  # each to the three before it
        G = G[:, :1] * _HADAMARD[np.arange(STEPS) % 4]
    return G * _size(case)[:, None]


def losses(case: str) -> Host:
    """Return falling losses with noise, shape (STEPS,): 0 at first, so that ℓ̂₁ − ℓ₁ is 0 in every dtype.

    They fall by some 1e-3 in ten steps, as a step of size 1e-3 predicts: the radius d of SOAA and TAdam isn't always at
    one of its bounds then, and shows what was made of p and ℓ̂.
    """
    rng = np.random.default_rng((1, list(LAYERS).index(case)))
    drawn = _rounded(4 * np.exp(-np.arange(STEPS) / 40) + 0.5 * rng.standard_normal(STEPS)) / 1024
    return np.asarray(drawn - drawn[0])


def hessians(case: str) -> Host:
    """Return the Hessians of the losses that L-BFGS takes steps on, shape (STEPS, d, d), 0 where the gradient is.

    From one step to the next the diagonal is another, so that no model of it ever fits and steps stay long. There are
    none for "huge and tiny", where differences of gradients have no digits.
    """
    d = dim(case)
    beside = 0.5 * (np.eye(d, k=1) + np.eye(d, k=-1))
    H = np.stack([np.diag(np.roll(2.0 + np.arange(d) % 3, t)) + beside for t in range(STEPS)])
    return H * _size(case)[:, None, None]


def flows(case: str) -> tuple[list[Host], list[Host]]:
    """Return each layer's inputs, a 1 last, and gradients, shapes (STEPS, BATCH, rows) and (STEPS, BATCH, columns)."""
    rng = np.random.default_rng((2, list(LAYERS).index(case)))
    inputs = [_rounded(rng.standard_normal((STEPS, BATCH, rows))) for rows, _ in LAYERS[case]]
    back = [_rounded(rng.standard_normal((STEPS, BATCH, columns))) for _, columns in LAYERS[case]]
    for h in inputs:
        h[:, :, -1] = 1.0
    if case == "collinear":  # one batch, over and over, scaled
        scale = _rounded(rng.standard_normal((STEPS, 1, 1)))
        inputs, back = [np.repeat(h[:1], STEPS, axis=0) for h in inputs], [s[:1] * scale for s in back]
    elif case == "orthogonal":  # one output at a time
        outputs = sum(columns for _, columns in LAYERS[case])
        alone = (np.arange(outputs) == np.arange(STEPS)[:, None] % outputs)[:, None, :]
        ends = np.cumsum([columns for _, columns in LAYERS[case]])[:-1]
        back = [s * one for s, one in zip(back, np.split(alone, ends, axis=2), strict=True)]
    return inputs, [s * _size(case)[:, None, None] for s in back]


def layered_gradients(inputs: list[Host], back: list[Host]) -> Host:
    """Return the mean over the batch of h̄ ⊗ s, layer after layer, shape (STEPS, d); nothing is rounded here."""
    blocks = [(h[..., None] * s[..., None, :]).sum(axis=1) / BATCH for h, s in zip(inputs, back, strict=True)]
    return np.concatenate([block.reshape(STEPS, -1) for block in blocks], axis=1)


def _size(case: str) -> Host:
    """Return what the gradients of each step are multiplied by, shape (STEPS,)."""
    if case == "zero":  # ten steps of none, ten of some
        return (np.arange(STEPS) // 10 % 2).astype(float)
    if case == "huge and tiny":  # from 1e-6 to 1e6
        return 2.0 ** np.random.default_rng(3).integers(-20, 21, STEPS)
    return np.ones(STEPS)


def _rounded(x: Host) -> Host:
    return np.round(x * 256) / 256
