"""The check that says which curvature matrix a user's code computes."""

from __future__ import annotations

from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import count
from sofim_ref.problems import Problem
from sofim_ref.testing.fisher.candidates import candidates
from sofim_ref.testing.fisher.facts import Facts, facts_at
from sofim_ref.testing.fisher.fit import TIMES, Factors
from sofim_ref.testing.fisher.given import given
from sofim_ref.testing.fisher.layouts import layouts, parts
from sofim_ref.testing.fisher.match import Match, Search
from sofim_ref.testing.fisher.verdict import FisherVerdict, reduction


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
    orders = layouts(facts.layers, facts.biased, facts.d)
    found = given(F, facts, orders)
    factors = Factors(facts.B, problem.size, problem.n_outputs)
    search = Search(found, orders, parts(facts.layers, facts.biased, facts.d), factors, problem.l2, seed)
    matches = search.matches(candidates(facts))
    return _verdict(search, facts, matches)


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


def _verdict(search: Search, facts: Facts, matches: list[Match]) -> FisherVerdict:
    if not matches:
        return FisherVerdict("none", notes=("This is none of the matrices that are known here.",))
    least = min(match.residual for match in matches)
    eps = search.given.eps
    tied = [m for m in matches if m.residual <= max(TIMES * least, 50 * eps * m.named.fit.amplification)]
    first = min(tied, key=lambda match: match.named.rank)
    names = dict.fromkeys(m.candidate.name for m in tied if m.named.rank == first.named.rank)
    fit, part = first.named.fit, first.part
    alternatives = tuple(name for name in names if name != first.candidate.name)
    kind = "named" if fit.residual <= 100 * eps * fit.amplification else "about"
    name = first.candidate.name
    if part.name == "diagonal" and name == "mean-gradient outer product":
        name = "squared mean gradient"
    return FisherVerdict(
        kind,
        matrix=name,
        variant=first.candidate.variant,
        scale=fit.scale,
        scale_name=first.named.scale_name,
        layout=first.layout.name,
        part="blocks" if search.given.form == "blocks" else part.name,
        part_words=part.words,
        l2=first.candidate.l2 or first.named.shift_name == "l2",
        damping=fit.shift if first.named.shift_name == "damping" else 0.0,
        relative_error=fit.residual,
        alternatives=alternatives,
        reduction=reduction(fit.scale, first.named.scale_name, search.factors),
    )
