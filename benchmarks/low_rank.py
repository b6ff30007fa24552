"""C⁻¹v for C = ρI + ZZᵀ: by the singular values of Z, by the Gram matrix ZᵀZ, and by the d × d matrix."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.timing import Row, in_turns, rows
from sofim_ref.matrices import Dense, LowRank

TITLE = "C⁻¹v for C = ρI + ZZᵀ, Z of shape (d, k), NumPy"
SHAPES = ((200, 20), (650, 64), (2000, 256))


def run(*, quick: bool) -> list[Row]:
    """Return a row for each of the three ways, for each shape; the dense way, ZZᵀ included, is the peer."""
    table = []
    rng = np.random.default_rng(0)
    for d, k in SHAPES[: 2 if quick else 3]:
        Z, v = rng.standard_normal((d, k)), rng.standard_normal(d)
        peer = f"dense, d = {d}, k = {k}"
        subjects = {
            peer: partial(_dense, Z, v),
            f"stable, d = {d}, k = {k}": partial(_low_rank, Z, v, "stable"),
            f"Gram, d = {d}, k = {k}": partial(_low_rank, Z, v, "gram"),
        }
        table += rows(in_turns(subjects, rounds=5 if quick else 11, calls=3), peer=peer, targets={})
    return table


def _dense(Z: np.ndarray, v: np.ndarray) -> None:
    Dense(1e-3 * np.eye(len(Z)) + Z @ Z.T).solve(v)


def _low_rank(Z: np.ndarray, v: np.ndarray, form: str) -> None:
    LowRank(1e-3, Z).solve(v, form=form)
