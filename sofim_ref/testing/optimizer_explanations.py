"""Why an optimizer departs from its reference: rounding, a dtype, another setting or reading, a convention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from sofim_ref.testing.formulas.conventions import ALTERNATIVES, PAPER, Conventions
from sofim_ref.testing.formulas.evaluation import evaluate
from sofim_ref.testing.formulas.settings import CONVENTIONS, READINGS
from sofim_ref.testing.optimizer_cases import LOST, OptimizerCase, allowed, lost_digits
from sofim_ref.testing.trajectories import Host, Reference, references

BITS = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}
"""From a dtype to the binary digits of its numbers, the leading 1 among them."""


@dataclass(frozen=True)
class Departure:
    """Why an optimizer departs from its reference.

    Parameters
    ----------
    kind : {"rounding", "dtype", "setting", "reading", "convention", "exception", "unknown"}
        What sort of departure it is.
    words : str
        What explains it: ``"bias_correction=False"``; empty where nothing that is known does.
    sentence : str
        The same in a sentence.
    """

    kind: str
    words: str
    sentence: str


def explain(cases: tuple[OptimizerCase, ...]) -> Departure:
    """Return why an optimizer departs, from its points in all cases, in one of which at least it does."""
    ended, ran = ([found for found in cases if bool(found.raised) is raised] for raised in (True, False))
    if not any(found.step for found in ran):
        text = "The other cases agree." if ran else "There is no other case."
        return Departure("exception", ended[0].raised, text)
    compared = tuple(ran)
    why = _narrow(compared) or _rounding(compared) or _alternative(compared) or _unknown(compared)
    first = next(found for found in cases if found.step).sentence()
    endings = [text for found in ended if (text := found.ending()) != first]
    return replace(why, sentence=" ".join([*endings, why.sentence]))


def _narrow(cases: tuple[OptimizerCase, ...]) -> Departure | None:
    """Return the dtype in which w is kept, if it is narrower than the one in which w was given."""
    dtype, given = cases[0].dtype, next(name for name, bits in BITS.items() if 2.0 ** (1 - bits) == cases[0].eps)
    if BITS.get(dtype, 53) < BITS[given]:
        return Departure("dtype", dtype, f"w was given as {given} and came back as {dtype}.")
    for name, bits in BITS.items():
        if bits < BITS[given] and all(_representable(found.points, bits) for found in cases):
            return Departure("dtype", name, f"All points are {name} numbers, though w was given as {given}.")
    return None


def _representable(points: Host, bits: int) -> bool:
    """Return whether all numbers have at most so many binary digits."""
    if not np.all(np.isfinite(points)):
        return False
    digits = np.frexp(points)[0] * 2.0**bits
    return bool(np.all(digits == np.round(digits)))


def _rounding(cases: tuple[OptimizerCase, ...]) -> Departure | None:
    """Return rounding, where no departure is larger than what the textbook formula loses."""
    departing = [found for found in cases if found.step]
    if "rho" not in cases[0].reference.settings or any(found.eps_kappa > LOST for found in departing):
        return None
    agrees = len(cases) - len(departing)
    where = " and ".join(f"'{found.case}'" for found in departing)
    worst = max(found.eps_kappa for found in departing)
    text = (
        f"It agrees in {agrees} of {len(cases)} cases and is off by at most {worst:.2g} eps·κ in {where}, κ "
        "the condition number of C, which the textbook Sherman–Morrison formula and a dense solve lose: docs/digits.md."
    )
    if not agrees:
        text = f"{text} Whether the formula is right doesn't show in these cases alone."
    return Departure("rounding", "the textbook Sherman–Morrison formula", text)


def _unknown(cases: tuple[OptimizerCase, ...]) -> Departure:
    """Return that nothing known explains it, and whether it is small enough to be float32's rounding."""
    text = "No other setting, reading or convention that is known here explains it."
    unit = 2.0 ** (1 - BITS["float32"])
    if cases[0].eps < unit and all(replace(found, eps=unit, tolerance=None).worst <= 1 for found in cases):
        text = f"{text} To float32's precision it agrees: part of it may be float32, or a constant slightly off."
    return Departure("unknown", "", text)


def _alternative(cases: tuple[OptimizerCase, ...]) -> Departure | None:
    """Return the setting, the reading or the convention that explains the departure in every case."""
    ordered = sorted(cases, key=lambda found: found.step or found.steps + 1)
    reference = cases[0].reference
    for candidates in (_settings(reference), _conventions(reference)):
        matching = [other for other in candidates if all(other.gives(found) for found in ordered)]
        fewest = min((other.words.count("=") for other in matching), default=0)
        nearest = [other for other in matching if other.words.count("=") == fewest]
        if nearest:
            words = " or ".join(other.words for other in nearest)
            return Departure(nearest[0].kind, words, f"This is what {words} gives.")
    return None


@dataclass(frozen=True)
class _Candidate:
    """A method with other settings, or by another convention, that a departing optimizer may be."""

    kind: str
    words: str
    settings: dict[str, Any]
    by: Conventions = PAPER

    def gives(self, found: OptimizerCase) -> bool:
        """Return whether its points are the optimizer's; no more are made than it takes to see that they aren't."""
        points, made = self._points(found.reference), list[Host]()
        while len(made) <= found.steps:
            made += islice(points, max(2, len(made)))
            own = replace(found.reference, settings=self.settings, points=np.asarray(made))
            off = np.max(np.abs(found.points[1 : len(made)] - own.points[1:]), axis=1)
            if not np.all(off <= allowed(own, found.eps, found.tolerance) + LOST * found.eps * lost_digits(own)):
                return False
        return True

    def _points(self, like: Reference) -> Iterator[Host]:
        for stored in references(like.method) if self.by == PAPER else ():
            if stored.case == like.case and stored.settings == self.settings:
                return iter(stored.points)
        return evaluate(like.method, self.settings, like.points[0], like.arguments, like.layers, by=self.by)


def _settings(reference: Reference) -> list[_Candidate]:
    """Return the method with other settings: those stored, other readings, a default in place of each, no average."""
    method, now = reference.method, reference.settings
    stored = [other.settings for other in references(method) if other.case == reference.case]
    others = [
        *stored,
        *({**now, name: value} for name, values in READINGS.get(method, {}).items() for value in values),
        *({**now, name: value} for name, value in stored[0].items()),
        *({**now, name: 0.0} for name in now if name.startswith("beta")),
    ]
    found: dict[str, _Candidate] = {}
    for settings in others:
        words = departures(settings, now)
        changed = {name for name, value in settings.items() if value != now[name]}
        kind = (
            "convention"
            if changed <= CONVENTIONS
            else "reading"
            if changed <= {*READINGS.get(method, ())}
            else "setting"
        )
        if words:
            found.setdefault(words, _Candidate(kind, words, settings))
    return list(found.values())


def _conventions(reference: Reference) -> list[_Candidate]:
    """Return the method with its settings, each by a convention that is mistaken for its own."""
    known = ALTERNATIVES.get(reference.method, {})
    decayed = bool(reference.settings.get("weight_decay"))
    return [
        _Candidate("convention", words, reference.settings, by)
        for words, by in known.items()
        if decayed or by.decay == PAPER.decay
    ]


def departures(settings: dict[str, Any], default: dict[str, Any]) -> str:
    """Return in words which settings aren't the default ones."""
    return ", ".join(f"{name}={value!r}" for name, value in settings.items() if value != default[name])
