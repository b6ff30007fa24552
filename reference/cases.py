"""What the trajectories are fed: gradients that were drawn beforehand and don't depend on w, so that no error grows."""

from __future__ import annotations

import numpy as np

STEPS, BATCH = 100, 4
LAYERS = ((2, 2), (1, 2))
"""Rows and columns of the two layers that the six parameters belong to."""
DIM = sum(rows * columns for rows, columns in LAYERS)


def gradients(case: str) -> np.ndarray:
    """Return the gradients of a case, shape (STEPS, DIM)."""
    rng = np.random.default_rng(CASES.index(case))
    G = rng.standard_normal((STEPS, DIM))
    if case == "collinear":
        G = rng.standard_normal((STEPS, 1)) * G[0]
    elif case == "orthogonal":
        G = G[:, :1] * np.eye(DIM)[np.arange(STEPS) % DIM]
    elif case == "zero":
        G[(np.arange(STEPS) // 10) % 2 == 0] = 0.0
    elif case == "huge and tiny":
        G *= 10.0 ** rng.uniform(-2, 2, (STEPS, 1))
    return G


CASES = ("random", "collinear", "orthogonal", "zero", "huge and tiny")


def losses(case: str) -> np.ndarray:
    """Return falling losses with noise, shape (STEPS,)."""
    rng = np.random.default_rng((1, CASES.index(case)))
    return np.exp(-np.arange(STEPS) / 40) + 0.02 * rng.standard_normal(STEPS)


def flows(case: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return each layer's inputs, a 1 last, and gradients, shapes (STEPS, BATCH, rows) and (STEPS, BATCH, columns)."""
    rng = np.random.default_rng((2, CASES.index(case)))
    inputs = [rng.standard_normal((STEPS, BATCH, rows)) for rows, _ in LAYERS]
    back = [rng.standard_normal((STEPS, BATCH, columns)) for _, columns in LAYERS]
    for h in inputs:
        h[:, :, -1] = 1.0
    if case == "zero":
        for s in back:
            s[(np.arange(STEPS) // 10) % 2 == 0] = 0.0
    elif case == "huge and tiny":
        size = 10.0 ** rng.uniform(-2, 2, (STEPS, 1, 1))
        back = [s * size for s in back]
    return inputs, back


def layered_gradients(inputs: list[np.ndarray], back: list[np.ndarray]) -> np.ndarray:
    """Return the mean over the batch of h̄ ⊗ s, layer after layer, shape (STEPS, DIM)."""
    blocks = [np.einsum("tni,tnj->tij", h, s).reshape(STEPS, -1) / BATCH for h, s in zip(inputs, back, strict=True)]
    return np.concatenate(blocks, axis=1)


def start() -> np.ndarray:
    """Return where every trajectory starts, shape (DIM,)."""
    return np.linspace(-1, 1, DIM)
