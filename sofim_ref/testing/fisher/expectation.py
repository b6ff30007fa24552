"""Which matrix is the expectation of what a random function returns: hypotheses that its calls don't refute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sofim_ref.testing.fisher.candidates import Candidate, OutputCandidate
from sofim_ref.testing.fisher.draws import Draws
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.fit import ACCEPTED
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.kronecker import KroneckerCandidate
from sofim_ref.testing.fisher.layouts import Layout, Part
from sofim_ref.testing.fisher.output_matrices import at_temperature

LEVEL = 1e-4
"""The probability with which the true expectation may be refuted, all tests of it together."""
ABSURD = 1e-20
"""The rough p-value below which a hypothesis isn't looked at."""
LIKELY = 1e-3
"""The rough p-value from which a temperature is said to explain a mean."""
FLIPS = 1000
"""The number of sign flips that give the rough statistic its mean and variance."""
NEAR = 1.2
"""The factor, and the temperature of the labels, that must have been seen before a name is given."""
SCALES = ("1", "B", "N", "1/B", "1/N", "2", "1/2", "C", "1/C")
"""The factors that are believed of a mean, which fits many to its few digits."""
TEMPERATURES = {NEAR: f"that of labels at a temperature of {NEAR}", 1 / NEAR: f"at one of 1/{NEAR}"}
"""Of labels drawn from softmax(f/T) in place of softmax(f): alternatives to be refuted, not names."""

HOT = (*(1 + k / 20 for k in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40)), 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5)
"""Those of which one is said to explain a mean that nothing else does."""


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A candidate for the expectation of a random matrix.

    Parameters
    ----------
    candidate, layout, part
        The matrix, its parameters' order and what of it is kept.
    x : array, shape (n,)
        The numbers that are compared, with the factor and the shift.
    scale : float
        The factor.
    scale_name : str or None
        Its name.
    shift, shift_error : float
        The multiple of I, and its standard error.
    p_value : float
        The rough probability of a mean as far from x if x is the expectation.
    """

    candidate: Candidate
    layout: Layout
    part: Part
    x: Host
    scale: float
    scale_name: str | None
    shift: float
    shift_error: float
    p_value: float

    @property
    def rank(self) -> tuple[bool, bool, bool, float]:
        """The order of preference: no shift, of the literature, a named factor, the likeliest."""
        return self.shift != 0, not self.candidate.established, self.scale_name is None, -self.p_value

    def equals(self, other: Hypothesis) -> bool:
        """Return whether two have the same numbers."""
        return bool(np.linalg.norm(self.x - other.x) <= ACCEPTED * np.linalg.norm(self.x))


@dataclass(frozen=True, eq=False)
class Sample:
    """The mean of some calls, and how far from it that of as many others may be.

    Parameters
    ----------
    draws : Draws
    mean, deviation : arrays, shape (n,)
        Of the numbers that are compared, with the mean's standard deviation.
    off : array, shape (draws, n)
        The departures of each call from the mean, in units of `deviation`.
    alive : array of bool, shape (n,)
        Where the calls differ.
    """

    draws: Draws
    mean: Host
    deviation: Host
    off: Host
    alive: Host

    @classmethod
    def of(cls, draws: Draws) -> Sample:
        """Return the mean and spread of what the calls returned."""
        n, mean = len(draws.observed), draws.observed.mean(axis=0)
        off = draws.observed - mean
        deviation = np.sqrt(np.mean(off**2, axis=0) / (n - 1))
        alive = deviation > 1e-9 * deviation.max()
        return cls(draws, mean, deviation, np.where(alive, off / np.where(alive, deviation, 1.0), 0.0), alive)

    @property
    def hypotheses(self) -> list[Hypothesis]:
        """Those whose numbers the mean doesn't refute: without a shift if there are any, otherwise with one."""
        plain = [each for each in self._fitted(shifted=False) if each.p_value >= ABSURD]
        return plain or [each for each in self._fitted(shifted=True) if each.p_value >= ABSURD]

    def _fitted(self, *, shifted: bool) -> Iterator[Hypothesis]:
        """Yield every hypothesis whose factor has a name, or is a number of labels, with its p-value."""
        weight = np.where(self.alive, 1 / np.where(self.alive, self.deviation, 1.0), 0.0)
        i = self.draws.identity * weight
        inside = i / (i @ i) if shifted and i.any() else 0.0 * i
        flips = self._flips - np.outer(self._flips @ inside, i)
        squares = np.sum(flips**2, axis=1)
        tail = Tail(float(np.mean(squares)), float(np.std(squares)), len(self.off))
        a = self.mean * weight - (self.mean * weight @ inside) * i
        for candidate, layout, part, x in self._candidates(shifted=shifted):
            b = x * weight
            b = b - (b @ inside) * i
            bb, absent = float(b @ b), ~self.alive
            if bb <= 1e-12 * float(np.sum((x * weight) ** 2)):
                continue
            s = float(a @ b) / bb
            if tail.p_value(float(np.sum((a - s * b) ** 2))) < ABSURD:
                continue
            along = self.off @ b / bb
            name, value = self._factor(s, float(np.sqrt(along @ along)) / len(along))
            if not value:
                continue
            shift = float((self.mean - value * x) * weight @ inside)
            made = value * x + shift * self.draws.identity
            if np.any(np.abs(self.mean - made)[absent] > 7 / len(along) * np.abs(made).max()):
                continue
            spread = float(np.linalg.norm(self.off @ inside)) / len(along)
            if shift <= 5 * spread and shifted:
                continue
            p = tail.p_value(float(np.sum((a - value * b) ** 2)))
            yield Hypothesis(candidate, layout, part, made, value, name, shift, spread, p)

    def _candidates(self, *, shifted: bool) -> Iterator[tuple[Candidate, Layout, Part, Host]]:
        """Yield every candidate in every layout and part with its numbers; with a shift, only the literature's."""
        for candidate in self.draws.search.candidates:
            for layout in self.draws.search.fitting if candidate.established or not shifted else ():
                for part in self.draws.parts:
                    yield candidate, layout, part, self.draws.numbers(candidate, layout, part)

    @property
    def _flips(self) -> Host:
        """The means that random signs of the departures make, in units of the deviation, shape (`FLIPS`, n)."""
        n = len(self.off)
        signs = np.random.default_rng((self.draws.search.seed, 5)).choice([-1.0, 1.0], (FLIPS, n))
        return np.asarray(signs @ self.off / n)

    def _factor(self, s: float, spread: float) -> tuple[str | None, float]:
        """Return the factor that a fitted one may be, with its name, or a number of labels; 0 where it is none.

        The fit is rough, its weights being those of the same calls: `alternatives` has what tells factors apart.
        """
        named = self.draws.search.factors.named
        name = min((x for x in SCALES if x in named), key=lambda x: abs(s / named[x] - 1))
        for known, value in ((name, named[name]), (None, float(max(2, round(s))))):
            if abs(s - value) <= max(4 * spread, (NEAR - 1) * value) and spread <= 0.1 * value:
                return known, value
        return None, 0.0

    def temperature(self, facts: Facts) -> float | None:
        """Return the temperature of the labels that gives the mean; None if none does."""
        hot = {candidate: T for T, candidate in self._at_temperatures(facts)}
        search = replace(self.draws.search, candidates=list(hot))
        found = replace(self, draws=replace(self.draws, search=search)).hypotheses
        best = max(found, key=lambda each: each.p_value, default=None)
        return hot[best.candidate] if best is not None and best.p_value >= LIKELY else None

    def alternatives(self, first: Hypothesis, facts: Facts) -> list[tuple[str, Host]]:
        """Return what must be refuted before the first is named: near factors, labels at another temperature."""
        named = self.draws.search.factors.named
        s, plain = first.scale, first.x - first.shift * self.draws.identity
        near = [named[name] for name in SCALES if name in named and 1e-9 < abs(named[name] / s - 1) < 0.5]
        step = [s + 1, s - 1] if first.scale_name is None else []
        found = [(f"{x / s:.3g} times it", first.x + (x / s - 1) * plain) for x in (s * NEAR, s / NEAR, *near, *step)]
        if not first.candidate.established:
            found += self._hot(first, facts)
        for temperature, name in TEMPERATURES.items():
            if (candidate := _of_labels(first.candidate, at_temperature(facts, temperature))) is not None:
                x = self.draws.numbers(candidate, first.layout, first.part)
                found.append((name, s * x + first.shift * self.draws.identity))
        return found

    def _hot(self, first: Hypothesis, facts: Facts) -> list[tuple[str, Host]]:
        """Return labels at all temperatures, with the factor that fits best: for what a mistake may be mistaken."""
        named = self.draws.search.factors.named
        found = []
        for T, candidate in self._at_temperatures(facts):
            x = self.draws.numbers(candidate, first.layout, first.part)
            s = min((named[name] for name in SCALES if name in named), key=lambda s: np.linalg.norm(first.x - s * x))
            found.append((f"that of labels at a temperature of {T:g}", s * x))
        return found

    def _at_temperatures(self, facts: Facts) -> list[tuple[float, Candidate]]:
        """Return the exact Fisher for labels at each temperature of `HOT`."""
        exact = [x for x in self.draws.search.candidates if x.name == "exact Fisher"]
        return [(T, made) for T in HOT for x in exact if (made := _of_labels(x, at_temperature(facts, T)))]


def _of_labels(candidate: Candidate, M: Host | None) -> Candidate | None:
    """Return the exact Fisher or K-FAC's matrix for labels with other output matrices; None for other candidates."""
    if M is not None and candidate.name == "exact Fisher" and isinstance(candidate, OutputCandidate):
        return replace(candidate, M=M)
    if M is not None and candidate.name == "K-FAC" and isinstance(candidate, KroneckerCandidate):
        return candidate.of_labels(M)
    return None


@dataclass(frozen=True)
class Tail:
    """The upper tail of a sum of squares: an F distribution with the mean and variance that random signs give it.

    It is rough, since rare labels move mean and variance together: it rules out what is far off, and decides nothing.
    """

    mean: float
    deviation: float
    draws: int

    def p_value(self, statistic: float) -> float:
        """Return the probability of a larger one."""
        from scipy.special import fdtrc

        return float(fdtrc(2 * (self.mean / self.deviation) ** 2, self.draws - 1, statistic / self.mean))
