"""How much a matrix changes with the point that it is computed at: what rounding may make of a right one."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.testing.fisher.candidates import Candidate
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.match import Match, kept_product
from sofim_ref.testing.fisher.ties import every_candidate, key

STEP = 1e-7
"""The relative change of each parameter."""


def condition(match: Match, facts: Facts, seed: int) -> float:
    r"""Return the relative condition number of a candidate in w, along random signs r and at least 1.

    .. math:: \kappa = \frac{\|X(w + h\, r \odot w)\, v - X(w)\, v\|}{h\, \|X(w)\, v\|} .
    """
    moved = moved_candidate(match, facts, seed)
    if moved is None:
        return 1.0
    v = np.random.default_rng((seed, 8)).standard_normal((len(match.layout.index), 1))
    here, other = (kept_product(x, match.part, match.layout, v) for x in (match.candidate, moved))
    return max(1.0, float(np.linalg.norm(other - here) / (STEP * np.linalg.norm(here))))


def moved_candidate(match: Match, facts: Facts, seed: int) -> Candidate | None:
    """Return a match's candidate at w + h r ⊙ w; None for one that doesn't depend on w, a moving average."""
    w = to_numpy(facts.w).astype(np.float64)
    signs = np.random.default_rng((seed, 8)).choice([-1.0, 1.0], w.shape)
    there = every_candidate(facts.elsewhere(w * (1 + STEP * signs)))
    return next((x for x in there if (x.name, x.variant) == key(match)), None)
