"""Matrices that are different at each call: which matrix is their expectation, and of how many labels each is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.testing.fisher.candidates import Candidate
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.given import given
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.layouts import Layout, Part
from sofim_ref.testing.fisher.match import Search

FLIPS, SIMULATED = 400, 400
"""The numbers of sign flips that give the statistic's distribution, and of sampled diagonals that give a variance."""
LEVEL, REFUTED = 0.05, 0.002
"""The p-values below which a mean isn't said to be a candidate's, and below which it is said not to be."""
SCALES = ("1", "B", "N", "1/B", "1/N", "2", "1/2", "C", "1/C")
"""The factors that are believed of a mean, which fits many to its few digits."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A candidate for the expectation of a random matrix.

    Parameters
    ----------
    candidate, layout, part
        The hypothesis.
    scale : float
        The factor s.
    scale_name : str or None
        Its name.
    error : float
        ‖mean − s x‖ / ‖s x‖ of what was compared.
    p_value : float
        The probability of a larger statistic, or of a factor further off, if the hypothesis is true.
    seen : float
        The bias, as a share of ‖s x‖, that would be seen half the time.
    labels : float or None
        How many labels were drawn for each example, as the variance has it; None if it isn't that of sampled labels.
    """

    candidate: Candidate
    layout: Layout
    part: Part
    scale: float
    scale_name: str | None
    error: float
    p_value: float
    seen: float
    labels: float | None


@dataclass(frozen=True, eq=False)
class Draws:
    """What repeated calls returned.

    Parameters
    ----------
    search : Search
        With their mean as what was given.
    observed : array, shape (draws, n)
        The numbers of each call that are compared: the diagonal, or a sample of a matrix.
    places : pair of integer arrays, shape (n,)
        Their rows and columns.
    """

    search: Search
    observed: Host
    places: tuple[Host, Host]

    @property
    def constant(self) -> bool:
        """Whether every call returned the same numbers."""
        return bool(np.all(self.observed == self.observed[0]))

    def estimates(self, facts: Facts) -> list[Estimate]:
        """Return the hypotheses whose means are not refuted, those of the literature first, then the likeliest."""
        n, mean = len(self.observed), self.observed.mean(axis=0)
        off = self.observed - mean
        deviation = np.sqrt(np.mean(off**2, axis=0) / (n - 1))
        alive = deviation > 1e-9 * deviation.max()
        signs = np.random.default_rng((self.search.seed, 5)).choice([-1.0, 1.0], (FLIPS, n))
        flipped = signs @ off[:, alive] / n / deviation[alive]
        simulated = np.mean(flipped**2, axis=1)
        noise = float(np.linalg.norm(deviation) * np.sqrt(np.quantile(simulated, 1 - LEVEL / 2) - simulated.mean()))
        found = []
        for candidate, layout, part, x in self._hypotheses():
            weights = 1 / deviation[alive]
            a, b = mean[alive] * weights, x[alive] * weights
            if not b.any() or np.any(np.abs(x[~alive]) > 1e-6 * np.abs(x).max()):
                continue
            s = float(a @ b / (b @ b))
            along = flipped @ b / (b @ b)
            name, value = self._factor(s, float(np.std(along)))
            if not value:
                continue
            p_whole = float(np.mean(simulated >= np.mean((a - value * b) ** 2)))
            p = min(1.0, 2 * min(p_whole, float(np.mean(np.abs(along) >= abs(s - value)))))  # of two tests
            if p >= REFUTED:
                size = float(np.linalg.norm(value * x))
                error, seen = float(np.linalg.norm(mean - value * x)) / size, noise / size
                found.append(Estimate(candidate, layout, part, value, name, error, p, seen, None))
        found.sort(key=lambda each: (each.p_value < LEVEL, not each.candidate.established, -each.p_value))
        found = [replace(each, labels=self._labels(each, facts)) for each in found]
        return [each for each in found if each.scale_name or (each.labels and abs(each.scale / each.labels - 1) < 0.3)]

    def _factor(self, s: float, spread: float) -> tuple[str | None, float]:
        """Return the factor that a fitted one may be, with its name, or a number of labels; 0 where it is none."""
        named = self.search.factors.named
        name = min((x for x in SCALES if x in named), key=lambda x: abs(s / named[x] - 1))
        for known, value in ((name, named[name]), (None, float(max(2, round(s))))):
            if abs(s - value) <= 4 * spread + 1e-12 and spread <= 0.1 * value:
                return known, value
        return None, 0.0

    def _hypotheses(self) -> Iterator[tuple[Candidate, Layout, Part, Host]]:
        rows, columns = self.places
        parts = self.search.parts if np.any(rows != columns) else self.search.parts[-1:]
        for candidate in self.search.candidates:
            for layout in self.search.fitting:
                if np.any(rows != columns):
                    x = pairs(candidate, layout.index[rows], layout.index[columns])
                else:
                    x = candidate.diagonal[layout.index]
                for part in parts:
                    groups = part.groups[layout.index]
                    yield candidate, layout, part, x * (groups[rows] == groups[columns])

    def _labels(self, each: Estimate, facts: Facts) -> float | None:
        """Return how many labels an example the variance speaks for, None where it is not that of sampled labels."""
        if each.candidate.name != "exact Fisher" or not facts.offers("sampled_output_gradient"):
            return None
        here = self.places[0] == self.places[1]
        rows = each.layout.index[self.places[0][here]]
        rng = np.random.default_rng((self.search.seed, 6))
        J = facts.J
        assert J is not None
        drawn = []
        for _ in range(SIMULATED):
            u = to_numpy(facts.oracle.sampled_output_gradient(rng)).astype(np.float64)
            drawn.append(J.diagonal(u[:, :, None] * u[:, None, :])[rows] / facts.B)
        one, theirs = np.var(drawn, axis=0) * each.scale**2, np.var(self.observed[:, here], axis=0, ddof=1)
        known = theirs > 1e-9 * theirs.max()
        ratios = one[known] / theirs[known]
        middle = float(np.median(ratios))
        spread = float(np.quantile(ratios, 0.8) / max(np.quantile(ratios, 0.2), 1e-300))
        return middle if spread < 4 and middle > 0.5 else None


def pairs(candidate: Candidate, rows: Host, columns: Host) -> Host:
    """Return X[rows[k], columns[k]] for each k, shape (n,)."""
    names, place = np.unique(columns, return_inverse=True)
    return np.asarray(candidate.entries(rows, names)[np.arange(len(rows)), place])


def drawn(F: Callable[[], Any], draws: int, search: Search, facts: Facts) -> Draws:
    """Return what `draws` calls of F gave, refusing what `given` refuses, with their mean as what is searched for."""
    found = [given(F(), facts, search.layouts) for _ in range(draws)]
    if len({(each.form, each.d) for each in found}) != 1 or found[0].values is None:
        what = "arrays of several shapes" if found[0].values is not None else "functions"
        msg = f"F must return arrays of one shape at each of the {draws} calls, got {what}."
        raise ValueError(msg)
    mean = replace(found[0], values=np.mean([each.values for each in found if each.values is not None], axis=0))
    search = replace(search, given=mean, memory={})
    if mean.form == "diagonal":
        every = np.arange(mean.d)
        return Draws(search, np.stack([each.values for each in found if each.values is not None]), (every, every))
    rows, columns, _ = search.sample
    i, j = (part.ravel() for part in np.meshgrid(rows, columns, indexing="ij"))
    i, j = np.concatenate([np.arange(mean.d), i]), np.concatenate([np.arange(mean.d), j])
    return Draws(search, np.stack([each.values[i, j] for each in found if each.values is not None]), (i, j))
