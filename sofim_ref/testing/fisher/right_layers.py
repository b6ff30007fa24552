"""A matrix that is right but for some layers, which are absent or times a factor, however much of it they are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from sofim_ref.testing.fisher.blocks import Blocks
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.faults import faults_of
from sofim_ref.testing.fisher.fit import Named
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.match import Match, Search

LEAST = 4
"""The least number of entries on the diagonal that must be right."""


def right_but_for_layers(search: Search, facts: Facts) -> Match | None:
    """Return the first match of which the fewest pieces are wrong; None unless half of the pieces are right at least.

    The diagonal's pieces choose among the candidates of the literature, then all blocks are compared.
    """
    if search.given.form == "function" or len(facts.pieces) < 2:
        return None
    F = search.given.values
    if F is not None and F.ndim == 2 and np.abs(F - F.T).max() > search.given.accepted * np.abs(F).max():
        return None
    best, fewest = None, np.inf
    for match in _of_diagonals(search, facts):
        blocks = Blocks.of(match, search, facts, "")
        wrong = blocks.wrong
        own = np.diagonal(wrong) if wrong.ndim == 2 else wrong
        apart = own[:, None] | own if wrong.ndim == 2 else own
        known = not np.any(wrong & ~apart) and 2 * np.count_nonzero(own) <= len(own) and "%" not in faults_of(blocks)
        if known and np.count_nonzero(own) < fewest:
            best, fewest = match, float(np.count_nonzero(own))
    return best


def _of_diagonals(search: Search, facts: Facts) -> Iterator[Match]:
    """Yield the hypotheses of which each piece of the diagonal is right, absent, or times a factor of its own."""
    given = search.given
    assert given.values is not None
    a = given.values if given.form == "diagonal" else np.diagonal(given.values)
    parts = search.parts[-1:] if given.form == "diagonal" else search.parts
    for candidate, layout in product(search.candidates, search.fitting):
        if not candidate.established:
            continue
        scales = [_scale(a[here], x, given.accepted) for here, x in _pieces(candidate.diagonal, layout.index, facts)]
        known = [(s, n) for s, n in scales if s is not None]
        if len(known) < len(scales):
            continue
        for name, value in search.factors.named.items():
            here = [n for s, n in known if n and abs(s / value - 1) <= given.accepted]
            if 2 * len(here) >= len(scales) and sum(here) >= LEAST:
                for part in parts:
                    fit = search.numbers(candidate, layout, part).fit(value)
                    if fit is not None:
                        yield Match(candidate, layout, part, Named(fit, name, ""))


def _pieces(diagonal: Host, index: Host, facts: Facts) -> Iterator[tuple[Host, Host]]:
    """Yield the places of each piece in a layout, and the candidate's diagonal there."""
    for _, parameters in facts.pieces:
        here = np.flatnonzero(np.isin(index, parameters))
        if here.size:
            yield here, diagonal[index[here]]


def _scale(a: Host, x: Host, near: float) -> tuple[float | None, int]:
    """Return the factor of a piece, 0 where it is absent, with its entries; None where no factor explains it."""
    size, norm = float(np.linalg.norm(a)), float(np.linalg.norm(x))
    if size <= near * norm or not norm:
        return (0.0, 0) if size <= near * norm else (None, 0)
    s = float(a @ x) / norm**2
    return (s, len(a)) if np.linalg.norm(a - s * x) <= near * abs(s) * norm else (None, 0)
