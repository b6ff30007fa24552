"""Matrices that coincide at a point: equal for this problem wherever they are compared, or here only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.testing.fisher.candidates import Candidate, candidates
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.kronecker import layerwise
from sofim_ref.testing.fisher.verdict import words

POINTS, ROWS = 3, 128
"""The number of points that are drawn, and of examples in the batch that is proposed."""
DIFFERENT = 1e-6
"""The relative difference of two products above which two matrices are told apart."""


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


def ties(first: Candidate, others: list[Candidate], facts: Facts, seed: int) -> Ties:
    """Return which of the others equal the first elsewhere too, and a point and a batch that tell the rest apart."""
    if not others:
        return Ties()
    names = {(each.name, each.variant): each for each in others}
    differ: dict[tuple[str, str], list[int]] = {key: [] for key in names}
    points = [_drawn(facts, seed, k) for k in range(POINTS)]
    for number, (w, batch) in enumerate(points):
        there = facts.elsewhere(w, batch)
        found = {(each.name, each.variant): each for each in every_candidate(there)}
        v = np.random.default_rng((seed, number)).choice([-1.0, 1.0], (facts.d, 1))
        x = found[first.name, first.variant].product(v)[:, 0]
        for key in names:
            y = found[key].product(v)[:, 0]
            if np.linalg.norm(y - x * (x @ y) / (x @ x)) > DIFFERENT * np.linalg.norm(y):
                differ[key].append(number)
    equal = tuple(each.name for key, each in names.items() if not differ[key] and each.established)
    accidental = {key: set(numbers) for key, numbers in differ.items() if numbers}
    telling = set.intersection(*accidental.values()) if accidental else set()
    point, rows = points[min(telling)] if telling else (None, None)
    return Ties(equal, tuple(dict.fromkeys(name for name, _ in accidental)), point, rows)


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
    if {"Gauss–Newton", "Hessian"} <= both and getattr(getattr(facts.problem, "model", None), "linear", False):
        reasons.append("the model is linear")
    because = f": {' and '.join(reasons)}" if reasons else ", at every point that was drawn"
    return f"It is {' and '.join(words(name)[0] for name in equal)} too{because}."
