"""Matrices that coincide at a point: equal for this problem wherever they are compared, or here only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.testing.fisher.candidates import Candidate, candidates
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.kronecker import layerwise
from sofim_ref.testing.fisher.match import Match, kept_product
from sofim_ref.testing.fisher.verdict import words

POINTS, ROWS = 3, 128
"""The number of points that are drawn, and of examples in the batch that is proposed."""
DIFFERENT = 1e-6
"""The relative difference of two products above which two matrices differ."""


@dataclass(frozen=True, eq=False)
class Ties:
    """What can't be told from a matrix at a point.

    Parameters
    ----------
    equal : tuple of str
        The established matrices that equal it at every point that was drawn.
    accidental : tuple of str
        Those that coincide with it here only.
    point, batch : array or None
        Where all of the accidental ones differ from it; None where nothing that was drawn tells.
    """

    equal: tuple[str, ...] = ()
    accidental: tuple[str, ...] = ()
    point: Host | None = None
    batch: Host | None = None


def every_candidate(facts: Facts) -> list[Candidate]:
    """Return every candidate, those of the literature first."""
    return sorted([*candidates(facts), *layerwise(facts)], key=lambda each: not each.established)


def ties(first: Match, others: list[Match], facts: Facts, seed: int) -> Ties:
    """Return which of the others equal the first elsewhere too, and a point and a batch that tell the rest apart."""
    differ: dict[tuple[str, str], set[int]] = {key(each): set() for each in others}
    points = [_drawn(facts, seed, k) for k in range(POINTS)] if others else []
    for number, (w, batch) in enumerate(points):
        there = {(x.name, x.variant): x for x in every_candidate(facts.elsewhere(w, batch))}
        there |= {key(x): x.candidate for x in (first, *others) if key(x) not in there}  # averages over a history
        v = np.random.default_rng((seed, number)).standard_normal((len(first.layout.index), 1))

        def product(match: Match, there: dict[tuple[str, str], Candidate] = there, v: Host = v) -> Host:
            return kept_product(there[key(match)], match.part, match.layout, v)[:, 0]

        x = product(first)
        for each in others:
            y = product(each)
            if np.linalg.norm(y - x * (x @ y) / (x @ x)) > DIFFERENT * np.linalg.norm(y):
                differ[key(each)].add(number)
    names = {key(each): each.candidate for each in others}
    equal = dict.fromkeys(names[k].name for k, where in differ.items() if not where and names[k].established)
    accidental = [where for where in differ.values() if where]
    telling = set.intersection(*accidental) if accidental else set()
    point, rows = points[min(telling)] if telling else (None, None)
    same = first.candidate.name  # what has its name is told by its variant
    apart = (f"{k} {v}" if k == same and v else k for (k, v), where in differ.items() if where)
    return Ties(tuple(equal), tuple(dict.fromkeys(apart)), point, rows)


def key(match: Match) -> tuple[str, str]:
    """Return the name and variant of a match's candidate."""
    return match.candidate.name, match.candidate.variant


def _drawn(facts: Facts, seed: int, number: int) -> tuple[Host, Host]:
    """Return a general point and a batch of more than one example, where there are as many."""
    rng = np.random.default_rng((seed, number, 7))
    w = 0.7 * rng.standard_normal(facts.d) / (1 + number)
    rows = np.sort(rng.permutation(facts.problem.size)[:ROWS])
    return w, rows


def reason(first: str, equal: tuple[str, ...], facts: Facts) -> str:
    """Return the sentence that says which other matrices it is, and why; empty if it is none."""
    if not equal:
        return ""
    both = {first, *equal}
    reasons = []
    if {"exact Fisher", "Gauss–Newton"} <= both:
        reasons.append("the likelihood is canonical")
    if {"Gauss–Newton", "Hessian"} <= both and len(facts.layers) == 1:
        reasons.append("the model is linear")
    because = f": {' and '.join(reasons)}" if reasons else ", at every point that was drawn"
    return f"It is {' and '.join(words(name)[0] for name in equal)} too{because}."
