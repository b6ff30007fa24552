"""What a matrix is that was computed for another likelihood than the problem's: softmax for squared errors, say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from sofim_ref.arrays import from_numpy, to_numpy
from sofim_ref.likelihoods import Categorical, Likelihood
from sofim_ref.problems import FiniteSum
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.match import Search
from sofim_ref.testing.fisher.own_model import LIKELIHOODS
from sofim_ref.testing.fisher.ties import every_candidate
from sofim_ref.testing.fisher.verdict import named_part, reduction

OUTPUTS = {"bernoulli": 1, "poisson": 1, "location-scale": 2}
"""The number of outputs that a likelihood is for, where it isn't any."""


def for_another(search: Search, facts: Facts) -> str:
    """Return the sentence that names the likelihood for which a matrix is one that is known; empty if there is none."""
    for name, there, labelled in _others(facts):
        known = [
            each
            for each in every_candidate(there)
            if each.established and not each.variant and (labelled or each.name in ("exact Fisher", "K-FAC", "EKFAC"))
        ]
        matches = replace(search, candidates=known).matches()
        if matches:
            first = min(matches, key=lambda match: match.named.rank)
            factor = reduction(first.named.fit.scale, first.named.scale_name, search.factors, first.residual)
            what = named_part(first.candidate.name, first.part.words)
            return f"For the likelihood {name!r} it would be {what}{f', {factor}' * bool(factor)}."
    return ""


def _others(facts: Facts) -> Iterator[tuple[str, Facts, bool]]:
    """Yield other likelihoods by name, with the facts for them, and whether the targets are some of theirs."""
    problem = facts.problem
    if not isinstance(problem, FiniteSum):
        return
    C, y = problem.n_outputs, to_numpy(problem.targets)
    for name, kind in LIKELIHOODS.items():
        if isinstance(problem.likelihood, kind) or OUTPUTS.get(name, C) != C or (name == "categorical" and C < 2):
            continue
        likelihood: Any = Categorical(C) if kind is Categorical else kind()
        targets, labelled = _targets(name, y, C)
        made = _problem(problem, likelihood, targets)
        if made is not None:
            yield name, replace(facts, problem=made), labelled


def _targets(name: str, y: Host, C: int) -> tuple[Host, bool]:
    """Return targets for a likelihood, and whether they say what the data's say."""
    N, rows = len(y), y.reshape(len(y), -1).astype(np.float64)
    whole = bool(np.all(rows == np.round(rows)) and np.all(rows >= 0))
    one_hot = whole and rows.shape[1] == C > 1 and bool(np.all(rows.sum(axis=1) == 1))
    single = rows.argmax(axis=1) if one_hot else rows[:, 0]
    known = one_hot or rows.shape[1] == 1
    if name == "gaussian":
        if rows.shape[1] == C:
            return rows, True
        classes = known and whole and single.max() < C
        return (np.eye(C)[single.astype(int)], True) if classes else (np.zeros((N, C)), False)
    if name == "location-scale":
        return single, known
    most = {"categorical": C - 1, "bernoulli": 1}.get(name, np.inf)
    good = known and whole and single.max() <= most
    return (single.astype(int), True) if good else (np.arange(N) % int(min(most, 1) + 1), False)


def _problem(problem: FiniteSum, likelihood: Likelihood, targets: Host) -> FiniteSum | None:
    """Return the problem with another likelihood; None where it refuses the targets."""
    try:
        return FiniteSum(
            problem.model, likelihood, problem.features, from_numpy(targets, like=problem.targets), problem.l2
        )
    except (TypeError, ValueError):
        return None
