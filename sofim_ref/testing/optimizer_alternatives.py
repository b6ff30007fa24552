"""Which alternatives explain a departing optimizer: other settings, readings and conventions, one or two at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, combinations

from sofim_ref.testing.formulas.conventions import ALTERNATIVES, PAPER
from sofim_ref.testing.formulas.settings import READINGS, USUAL
from sofim_ref.testing.optimizer_alternative import FIRST, Alternative
from sofim_ref.testing.optimizer_cases import OptimizerCase
from sofim_ref.testing.optimizer_constants import fitted
from sofim_ref.testing.trajectories import Reference, references


def explaining(cases: list[OptimizerCase]) -> list[Alternative]:
    """Return the alternatives that give an optimizer's points in all cases, with as few things changed as possible."""
    now, settings, conventions = known(cases)
    lost = [found for found in cases if found.finite < found.steps]
    if lost and not any(found.step is not None and found.step <= found.finite for found in cases):
        return [other for other in [*settings, *conventions] if _lost_as(other, lost) and _all(other, cases)]
    if cases[0].narrow:  # where many would do, the one that is nearest
        every = chain(settings, conventions, _rescaled([now], cases))
        matching = [other for other in every if _all(other, cases)]
        return [min(matching, key=lambda other: other.distance(cases[0]))] if matching else []
    stages: tuple[Callable[[], Iterator[Alternative]], ...] = (
        lambda: iter(settings),
        lambda: chain(conventions, _rescaled([now], cases)),
        lambda: fitted(now, cases),
        lambda: chain(_rescaled([*settings, *conventions], cases), _pairs([*settings, *conventions], cases)),
    )
    for stage in stages:
        matching = [other for other in stage() if _all(other, cases)]
        if matching:
            fewest = min(other.size for other in matching)
            return [other for other in matching if other.size == fewest]
    return []


def _all(other: Alternative, cases: list[OptimizerCase]) -> bool:
    """Return whether an alternative gives an optimizer's points in all cases."""
    return all(other.gives(found) for found in cases)


def _lost_as(other: Alternative, lost: list[OptimizerCase]) -> bool:
    """Return whether an alternative divides by zero where w is lost; tiny numbers may do so in 50 digits without it."""
    ends = {found.case: other.ends(found) for found in lost}
    return any(ends.values()) and all(ended for case, ended in ends.items() if case != "huge and tiny")


def closest(cases: list[OptimizerCase]) -> tuple[str, float, float] | None:
    """Return the alternative whose first steps are nearest to the optimizer's, its distance and that of the formula.

    Distances are relative to the optimizer's own steps. Another thing is changed as long as that halves the distance.
    """
    found = next((each for each in cases if each.case == "random"), cases[0])
    now, settings, conventions = known(cases)
    singles = [*settings, *conventions]
    best, away = now, now.distance(found)
    formula = away
    while True:
        tried = [other for each in singles if (other := best.merged(each)) is not None]
        near = min(tried, key=lambda each: each.distance(found), default=best)
        if not near.distance(found) < away / 2:
            break
        best, away = near, near.distance(found)
    return (best.words, away, formula) if best is not now else None


def known(cases: list[OptimizerCase]) -> tuple[Alternative, list[Alternative], list[Alternative]]:
    """Return the method as it should be, with each known other setting, and by each known other convention."""
    reference = cases[0].reference
    now = Alternative(reference.settings, reference.settings)
    return now, _settings(now, reference), _conventions(now, reference)


def _rescaled(every: list[Alternative], cases: list[OptimizerCase]) -> Iterator[Alternative]:
    """Yield alternatives with another learning rate, each that of the optimizer's first step."""
    seen = next((found for found in cases if found.case == "random"), cases[0])
    yield from (other for each in every if (other := each.rescaled(seen)) is not None)


def _pairs(every: list[Alternative], cases: list[OptimizerCase]) -> Iterator[Alternative]:
    """Yield two alternatives at once, of those that change one thing and don't show before the optimizer departs."""
    before = [(found, min((found.step or FIRST) - 1, FIRST)) for found in cases]
    single = [each for each in every if each.size == 1 and all(each.gives(*early) for early in before)]
    yield from (both for pair in combinations(single, 2) if (both := pair[0].merged(pair[1])) is not None)


def _settings(now: Alternative, reference: Reference) -> list[Alternative]:
    """Return the method with other settings: those stored, other readings, defaults, usual values, two β's swapped."""
    method, given = reference.method, now.settings
    stored = [other.settings for other in references(method) if other.case == reference.case]
    values = [
        *((name, value) for name, values in READINGS.get(method, {}).items() for value in values),
        *stored[0].items(),
        *((name, value) for name in given for value in USUAL.get(name, ())),
        *(("damping", value) for value in (given.get("damping", 0.0) ** 2, given.get("damping", 0.0) ** 0.5) if value),
    ]
    others = [*stored, *({**given, name: value} for name, value in values)]
    if "beta2" in given:
        others.append({**given, "beta1": given["beta2"], "beta2": given["beta1"]})
    found = {other.words: other for other in (replace(now, settings=settings) for settings in others)}
    return [other for words, other in found.items() if words]


def _conventions(now: Alternative, reference: Reference) -> list[Alternative]:
    """Return the method with its settings, each by a convention that is mistaken for its own."""
    decayed = bool(reference.settings.get("weight_decay"))
    return [
        replace(now, convention=words, by=by)
        for words, by in ALTERNATIVES.get(reference.method, {}).items()
        if decayed or by.decay == PAPER.decay
    ]
