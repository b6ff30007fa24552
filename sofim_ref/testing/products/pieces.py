"""Products judged layer by layer: what is wrong with a layer whose numbers are small beside another's."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.testing.fisher.blocks import NOISE
from sofim_ref.testing.fisher.conditioning import STEP
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.host_arrays import Host
from sofim_ref.testing.products.explanation import exactly
from sofim_ref.testing.products.terms import Term, terms


def worst_piece(
    facts: Facts, product: str, made: list[Term], answers: tuple[Host, Host], unit: float
) -> tuple[float, Host]:
    """Return the largest error of a layer's weights or biases relative to their own numbers, and their places.

    It is 0 where none is off by more than `unit` times the sum of its terms' norms and its condition number in w;
    pieces that are zero but for rounding are left out.
    """
    V, Y = answers
    parts, exact = [term.of(V) for term in made if term.due], exactly(made, V)
    worst, places = 0.0, np.arange(0)
    if product == "jvp":
        return worst, places
    moved: Host | None = None
    for _, index in facts.pieces:
        rows = index if len(Y) == facts.d else (np.arange(0, len(Y), facts.d)[:, None] + index).ravel()
        off, size = (float(np.linalg.norm(x[rows])) for x in (Y - exact, exact))
        allowed = unit * sum(float(np.linalg.norm(part[rows])) for part in parts)
        if not off > max(allowed, worst * size):
            continue
        if moved is None:
            moved = exactly(terms(_moved(facts), product), V)
        kappa = float(np.linalg.norm((moved - exact)[rows])) / (STEP * size) if size else np.inf
        if kappa <= NOISE and off > allowed * max(1.0, kappa):
            worst, places = off / size, rows
    return worst, places


def _moved(facts: Facts) -> Facts:
    """Return the facts at a point beside w, each parameter moved by a share of its own."""
    w = to_numpy(facts.w).astype(np.float64)
    return facts.elsewhere(w * (1 + STEP * np.random.default_rng(8).choice([-1.0, 1.0], w.shape)))
