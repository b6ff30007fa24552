"""A method with other settings, or by another convention, that a departing optimizer may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from itertools import islice, pairwise
from typing import Any

import numpy as np

from sofim_ref.testing.formulas.conventions import PAPER, Conventions
from sofim_ref.testing.formulas.evaluation import evaluate
from sofim_ref.testing.formulas.settings import CONVENTIONS, READINGS
from sofim_ref.testing.optimizer_cases import LOST, OptimizerCase, allowed, lost_digits
from sofim_ref.testing.trajectories import Host, Reference, references

FIRST = 12
"""How many points are made to see a first step, eleven where the gradients are zero at first, or agreement."""


EARLY = 20
"""How many points L-BFGS has before pairs of two batches, whose sᵀy may be tiny, have made rounding large."""


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
        """Return whether its points are the optimizer's in all or the first steps; few are made if they aren't.

        Where the optimizer's are no numbers any more, as after a division by zero, nothing is compared.
        """
        points, made = self.points(found.reference), list[Host]()
        steps = (EARLY if self.by.pairs else found.steps) if steps is None else steps
        steps = min(steps, found.finite)
        while 0 < steps >= len(made):
            more = list(islice(points, min(max(2, len(made)), steps + 1 - len(made))))
            if not more:
                return False
            made += more
            own = replace(found.reference, settings=self.settings, points=np.asarray(made))
            off = np.max(np.abs(found.points[1 : len(made)] - own.points[1:]), axis=1)
            lost = 0 if found.narrow else LOST * found.eps * lost_digits(own)
            if not np.all(off <= allowed(own, found.eps, found.tolerance) + lost):
                return False
        return True

    def ends(self, found: OptimizerCase) -> bool:
        """Return whether it divides by zero in the step from which on the optimizer's points aren't finite."""
        return len(list(islice(self.points(found.reference), found.finite + 2))) == found.finite + 1

    def points(self, like: Reference) -> Iterator[Host]:
        """Yield its points in a case, the stored ones if there are any, to the first that divides by zero."""
        for stored in references(like.method) if self.by == PAPER else ():
            if stored.case == like.case and stored.settings == self.settings:
                yield from stored.points
                return
        with suppress(ZeroDivisionError):
            yield from evaluate(like.method, self.settings, like.points[0], like.arguments, like.layers, by=self.by)

    def distance(self, found: OptimizerCase) -> float:
        """Return how far its first steps are from the optimizer's, relative to these."""
        steps = min(FIRST, found.finite)
        points = np.asarray(list(islice(self.points(found.reference), steps + 1)))
        if not steps or len(points) <= steps or not np.isfinite(points).all():
            return np.inf
        own = np.diff(found.points[: steps + 1], axis=0)
        size = float(np.linalg.norm(own))
        return float(np.linalg.norm(np.diff(points, axis=0) - own)) / size if size else np.inf

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


def _departing(by: Conventions) -> dict[str, Any]:
    """Return the places in which conventions aren't the formula's."""
    return {
        place.name: getattr(by, place.name)
        for place in fields(by)
        if getattr(by, place.name) != getattr(PAPER, place.name)
    }
