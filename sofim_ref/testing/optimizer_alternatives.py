"""What a departing optimizer may be instead: other settings, readings and conventions, one of them or two at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from itertools import chain, combinations, islice, pairwise
from typing import Any

import numpy as np

from sofim_ref.testing.formulas.conventions import ALTERNATIVES, PAPER, Conventions
from sofim_ref.testing.formulas.evaluation import evaluate
from sofim_ref.testing.formulas.settings import CONVENTIONS, READINGS, USUAL
from sofim_ref.testing.optimizer_cases import LOST, OptimizerCase, allowed, lost_digits
from sofim_ref.testing.trajectories import Host, Reference, references


@dataclass(frozen=True)
class Alternative:
    """A method with other settings, or by another convention, that a departing optimizer may be.

    Parameters
    ----------
    now : dict
        The settings that the optimizer is to have.
    settings : dict
        Those that it may have instead.
    convention : str
        The convention that it may follow, in words; empty for the formula's.
    by : Conventions
        The same for the formula.
    """

    now: dict[str, Any]
    settings: dict[str, Any]
    convention: str = ""
    by: Conventions = PAPER

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that aren't those that the optimizer is to have."""
        return {name: value for name, value in self.settings.items() if value != self.now[name]}

    @property
    def size(self) -> int:
        """How many things are otherwise."""
        return len(self.changed) + len(_departing(self.by))

    @property
    def words(self) -> str:
        """The same in words: "bias_correction=False"."""
        settings = ", ".join(f"{name}={value!r}" for name, value in self.changed.items())
        return " with ".join(part for part in (self.convention, settings) if part)

    def kind(self, method: str) -> str:
        """Return what sort of departure it is."""
        changed = {*self.changed}
        if changed <= CONVENTIONS:  # or none, with a convention in words
            return "convention"
        return "reading" if changed <= {*READINGS.get(method, ()), *CONVENTIONS} else "setting"

    def gives(self, found: OptimizerCase, steps: int | None = None) -> bool:
        """Return whether its points are the optimizer's in all or the first steps; few are made if they aren't."""
        points, made = self.points(found.reference), list[Host]()
        steps = min(found.steps, EARLY if self.by.pairs else found.steps) if steps is None else steps
        while 0 < steps >= len(made):
            more = list(islice(points, min(max(2, len(made)), steps + 1 - len(made))))
            if not more:
                return False
            made += more
            own = replace(found.reference, settings=self.settings, points=np.asarray(made))
            off = np.max(np.abs(found.points[1 : len(made)] - own.points[1:]), axis=1)
            if not np.all(off <= allowed(own, found.eps, found.tolerance) + LOST * found.eps * lost_digits(own)):
                return False
        return True

    def points(self, like: Reference) -> Iterator[Host]:
        """Yield its points in a case, the stored ones if there are any, to the first that divides by zero."""
        for stored in references(like.method) if self.by == PAPER else ():
            if stored.case == like.case and stored.settings == self.settings:
                yield from stored.points
                return
        with suppress(ZeroDivisionError):
            yield from evaluate(like.method, self.settings, like.points[0], like.arguments, like.layers, by=self.by)

    def rescaled(self, found: OptimizerCase) -> Alternative | None:
        """Return it with the learning rate that the optimizer's first step has; None where no other one gives that."""
        path = pairwise(islice(self.points(found.reference), FIRST))
        moves = ((t, before, after) for t, (before, after) in enumerate(path, start=1) if np.any(after != before))
        moved, before, after = next(moves, (0, found.points[0], found.points[0]))
        if not moved:
            return None
        own, other = after - before, found.points[moved] - found.points[moved - 1]
        share, length = float(own @ other / (own @ own)), float(np.max(np.abs(own)))
        rounding = 8 * found.eps * float(np.max(np.abs(after))) / length
        if not (np.max(np.abs(other - share * own)) <= rounding * length < abs(share - 1) * length):
            return None
        lr = share * self.settings["lr"]
        decimals = (float(f"{lr:.{digits}g}") for digits in range(1, 17))
        shortest = next((each for each in decimals if abs(each - lr) <= 2 * rounding * abs(self.settings["lr"])), lr)
        return replace(self, settings={**self.settings, "lr": shortest})

    def merged(self, other: Alternative) -> Alternative | None:
        """Return both at once; None where they are about the same thing."""
        if {*self.changed} & {*other.changed}:
            return None
        mine, its = (_departing(each.by) for each in (self, other))
        if {*mine} & {*its}:
            return None
        convention = " and ".join(each.convention for each in (self, other) if each.convention)
        return replace(
            self,
            settings={**self.settings, **other.changed},
            convention=convention,
            by=replace(PAPER, **mine, **its),
        )


FIRST = 12
"""How many points are made to see a first step, eleven where the gradients are zero at first, or agreement."""


EARLY = 20
"""How many points L-BFGS has before pairs of two batches, whose sᵀy may be tiny, have made rounding large."""


def nearest(cases: list[OptimizerCase]) -> list[Alternative]:
    """Return the alternatives that give an optimizer's points in all cases, with as few things changed as possible."""
    now = Alternative(cases[0].reference.settings, cases[0].reference.settings)
    settings, conventions = _settings(now, cases[0].reference), _conventions(now, cases[0].reference)
    stages: tuple[Callable[[], Iterator[Alternative]], ...] = (
        lambda: iter(settings),
        lambda: chain(conventions, _rescaled([now], cases)),
        lambda: chain(_rescaled([*settings, *conventions], cases), _pairs([*settings, *conventions], cases)),
    )
    for stage in stages:
        matching = [other for other in stage() if all(other.gives(found) for found in cases)]
        if matching:
            fewest = min(other.size for other in matching)
            return [other for other in matching if other.size == fewest]
    return []


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


def _departing(by: Conventions) -> dict[str, Any]:
    """Return the places in which conventions aren't the formula's."""
    return {
        place.name: getattr(by, place.name)
        for place in fields(by)
        if getattr(by, place.name) != getattr(PAPER, place.name)
    }
