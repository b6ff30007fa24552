"""The check that says which curvature matrix a user's code computes."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import count
from sofim_ref.problems import Problem
from sofim_ref.testing.fisher.draws import drawn
from sofim_ref.testing.fisher.factors import factor_matches, given_pairs, nearest_factors
from sofim_ref.testing.fisher.facts import Facts, facts_at
from sofim_ref.testing.fisher.failures import nothing, wrong
from sofim_ref.testing.fisher.fit import Factors
from sofim_ref.testing.fisher.given import given
from sofim_ref.testing.fisher.histories import gradients, of_history
from sofim_ref.testing.fisher.layouts import layouts, parts
from sofim_ref.testing.fisher.match import Search
from sofim_ref.testing.fisher.report import estimate_verdict, factor_verdict, verdict_of
from sofim_ref.testing.fisher.ties import every_candidate
from sofim_ref.testing.fisher.transforms import undone
from sofim_ref.testing.fisher.verdict import FisherVerdict

DRAWS = 10
"""The least number of calls from which a mean and a variance are judged."""


def check_fisher(
    F: Any,
    problem: Problem,
    w: Array,
    batch: Array | None = None,
    *,
    draws: int | None = None,
    history: Array | None = None,
    seed: int = 0,
) -> FisherVerdict:
    """Return which matrix F is."""
    count("seed", seed, minimum=0)
    facts = facts_at(problem, w, batch)
    if isinstance(F, list | tuple) and F and isinstance(F[0], list | tuple) and len(F[0]) == 2:
        pairs, eps = given_pairs(list(F), facts)
        return factor_verdict(factor_matches(pairs, facts, eps), facts, eps)
    orders = layouts(facts.layers, facts.biased, facts.d)
    candidates = every_candidate(facts)
    if history is not None:
        candidates = [*of_history(gradients(history, facts)), *candidates]
    if draws is not None:
        count("draws", draws, minimum=DRAWS)
    search = Search(
        given(F if draws is None else F(), facts, orders),
        candidates,
        orders,
        parts(facts.layers, facts.biased, facts.d),
        Factors(facts.B, problem.size, problem.n_outputs),
        problem.l2,
        seed,
    )
    if draws is not None:
        calls = drawn(F, draws, search, facts)
        if not calls.constant:
            return estimate_verdict(calls.estimates(facts), draws, search)
    return wrong(search) or _explained(search, facts)


def _explained(search: Search, facts: Facts) -> FisherVerdict:
    """Return the verdict on numbers as they are, on what they may have been made of, or on their Kronecker factors."""
    hypotheses = len(search.candidates) * len(search.fitting) * len(search.parts)
    for transform, numbers in chain([("", search.given)], undone(search.given)):
        tried = replace(search, given=numbers, memory={}) if transform else search
        matches = tried.matches()
        if matches:
            return verdict_of(tried, facts, matches, transform, hypotheses * (1 + 9 * bool(transform)))
    for layout, pairs in nearest_factors(search.given, search.fitting, facts.layers):
        found = factor_matches(pairs, facts, search.given.eps)
        if found:
            return replace(factor_verdict(found, facts, search.given.eps), layout=layout.name)
    return nothing(search)


def assert_fisher(
    F: Any,
    problem: Problem,
    w: Array,
    matrix: str,
    batch: Array | None = None,
    *,
    scale: str = "1",
    tolerance: float | None = None,
    **settings: Any,
) -> FisherVerdict:
    """Raise AssertionError with the verdict's sentence unless F is the matrix of that name, times that factor.

    Parameters
    ----------
    F, problem, w, batch
        As `check_fisher` takes and refuses them.
    matrix : str
        What `FisherVerdict.matrix` must be, or one of its alternatives.
    scale : str
        What `FisherVerdict.scale_name` must be: ``"1"`` for a mean over the batch.
    tolerance : float, optional
        The relative error that is allowed; that of rounding if not given.
    **settings
        The other arguments of `check_fisher`.

    Returns
    -------
    FisherVerdict

    Raises
    ------
    AssertionError
        If F is another matrix, or that one to fewer digits.
    """
    verdict = check_fisher(F, problem, w, batch, **settings)
    right = matrix in (verdict.matrix, *verdict.alternatives) and verdict.scale_name == scale
    exact = verdict.kind != "about" if tolerance is None else verdict.relative_error <= tolerance
    if not (right and exact):
        msg = f"F should be the {matrix}, times {scale}. {verdict}"
        raise AssertionError(msg)
    return verdict
