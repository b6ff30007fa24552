"""How much a matrix changes with the point that it is computed at: what rounding may make of a right one."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.match import Match, kept_product
from sofim_ref.testing.fisher.ties import every_candidate, key

STEP = 1e-7
"""The relative change of each parameter."""


def condition(match: Match, facts: Facts, seed: int) -> float:
    r"""Return the relative condition number of a candidate in w, along random signs r and at least 1.

    .. math:: \kappa = \frac{\|X(w + h\, r \odot w)\, v - X(w)\, v\|}{h\, \|X(w)\, v\|} .
    """
    rng = np.random.default_rng((seed, 8))
    w = to_numpy(facts.w).astype(np.float64)
    there = facts.elsewhere(w * (1 + STEP * rng.choice([-1.0, 1.0], w.shape)))
    moved = next((x for x in every_candidate(there) if (x.name, x.variant) == key(match)), None)
    if moved is None:  # a moving average doesn't depend on w
        return 1.0
    v = rng.standard_normal((len(match.layout.index), 1))
    here, other = (kept_product(x, match.part, match.layout, v) for x in (match.candidate, moved))
    return max(1.0, float(np.linalg.norm(other - here) / (STEP * np.linalg.norm(here))))
