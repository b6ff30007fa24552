"""The candidates, layouts and parts that explain a user's numbers: a few entries prune, all entries confirm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product

import numpy as np

from sofim_ref.testing.fisher.candidates import DENSE, Candidate, HessianCandidate
from sofim_ref.testing.fisher.fit import Factors, Named, Numbers, named, plausible
from sofim_ref.testing.fisher.given import Given
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.layouts import Layout, Part

PRUNED = 2e-3
"""The relative residual on a few entries above which a hypothesis is given up, or twice what all may have."""
LARGE = 1e8
"""The factor without a name that nobody has, as its reciprocal: what fits with it is rounding."""
COLUMNS, ROWS = 6, 40
"""The numbers of columns, and of entries in each, that prune."""


@dataclass(frozen=True, eq=False)
class Match:
    """A hypothesis that explains the user's numbers.

    Parameters
    ----------
    candidate, layout, part
        The matrix, the order of its parameters, and what of it is kept.
    named : Named
        Factor and shift, with their residual over all the numbers that were compared.
    """

    candidate: Candidate
    layout: Layout
    part: Part
    named: Named

    @property
    def residual(self) -> float:
        """The relative residual."""
        return self.named.fit.residual


@dataclass(frozen=True, eq=False)
class Search:
    """What is compared with what.

    Parameters
    ----------
    given : Given
        The user's numbers.
    candidates : list of Candidate
        The matrices in question.
    layouts, parts
        The orders and the parts in question.
    factors : Factors
        The named factors.
    l2 : float
        The problem's.
    seed : int
        What the entries and vectors are drawn from.
    memory : dict
        Products that were asked for already.
    vectors : array, shape (d, k), optional
        For the inverse of a function: vectors whose products are known; no others are.
    """

    given: Given
    candidates: list[Candidate]
    layouts: list[Layout]
    parts: list[Part]
    factors: Factors
    l2: float
    seed: int = 0
    memory: dict[bytes, Host] = field(default_factory=dict)
    vectors: Host | None = None

    @property
    def fitting(self) -> list[Layout]:
        """The layouts that cover as many parameters as the user's numbers do."""
        return [layout for layout in self.layouts if len(layout.index) == self.given.d]

    @property
    def pruned(self) -> float:
        """The relative residual on a few entries above which a hypothesis is given up."""
        return max(PRUNED, 2 * self.given.accepted)

    def matches(self) -> list[Match]:
        """Return every hypothesis that explains all the numbers, in the order of the candidates."""
        if self.vectors is not None:
            known = (candidate for candidate in self.candidates if candidate.established)
            hypotheses = [each for each in product(known, self.fitting, self.parts[:1]) if self._along_one(*each)]
        else:
            hypotheses = list(self._of_diagonals() if self.given.form == "diagonal" else self._of_entries())
        return [match for hypothesis in hypotheses if (match := self.confirmed(*hypothesis))]

    def _along_one(self, candidate: Candidate, layout: Layout, part: Part) -> bool:
        """Return whether a hypothesis explains the first product alone."""
        v = self.probes[:, :1]
        x = kept_product(candidate, part, layout, v).ravel()
        return bool(plausible(x[None], self.products(self.probes)[:, 0], v[:, 0], self.pruned)[0])

    def inverted(self) -> Search:
        """Return the search for the matrix that a function is the inverse of, from the products that are known."""
        V = self.probes
        Y = self.products(V)
        return replace(self, vectors=Y, memory={Y.tobytes(): V})

    def confirmed(self, candidate: Candidate, layout: Layout, part: Part) -> Match | None:
        """Return the hypothesis with its fit of all the numbers; None where they disagree."""
        numbers = self.numbers(candidate, layout, part)
        fit = numbers.fitted(self.given.eps)
        if fit is None or fit.residual > self.given.accepted:
            return None
        found = named(numbers, fit, self.factors, self.l2, self.given.eps)
        if found.scale_name is None and not 1 / LARGE <= abs(fit.scale) <= LARGE:
            return None
        return Match(candidate, layout, part, found)

    # ------------------------------------------------------------ all the numbers

    def numbers(self, candidate: Candidate, layout: Layout, part: Part) -> Numbers:
        """Return a, x and i of a hypothesis."""
        given = self.given
        x = self.kept(candidate, layout, part).ravel()
        if given.form == "function":
            return Numbers(self.products(self.probes).ravel(), x, self.probes.ravel(), given.accepted)
        assert given.values is not None
        i = np.ones(given.d) if given.form == "diagonal" else np.eye(given.d).ravel()
        return Numbers(given.values.ravel(), x, i, given.accepted)

    def kept(self, candidate: Candidate, layout: Layout, part: Part) -> Host:
        """Return what a hypothesis makes of a candidate: a diagonal, a matrix, or for a function its products."""
        index = layout.index
        if self.given.form == "function":
            return kept_product(candidate, part, layout, self.probes)
        if self.given.form == "diagonal":
            return np.asarray(candidate.diagonal[index])
        x, groups = candidate.dense[np.ix_(index, index)], part.groups[index]
        return np.asarray(x * (groups[:, None] == groups)) if np.any(groups != groups[0]) else x

    def explained(self, match: Match, other: Candidate | None = None) -> Host:
        """Return what a match, or another candidate in its place, makes of the candidate, without factor and shift."""
        return self.kept(other or match.candidate, match.layout, match.part)

    def _parts(self, layout: Layout) -> list[Part]:
        """Return the parts in question: of blocks that were given, they alone."""
        if self.given.groups is None:
            return self.parts
        groups = np.full(len(self.parts[0].groups), -1)
        groups[layout.index] = self.given.groups
        return [Part("blocks", "the blocks", groups)]

    @cached_property
    def probes(self) -> Host:
        """Vectors that tell products apart, shape (d, 3): normal numbers, since signs alone may be in a null space."""
        if self.vectors is not None:
            return self.vectors
        return np.random.default_rng((self.seed, 1)).standard_normal((self.given.d, 3))

    def products(self, V: Host) -> Host:
        """Return the user's products, each asked for once."""
        if self.given.product is None:
            assert self.given.values is not None
            return np.asarray(self.given.values @ V)
        key = V.tobytes()
        if key not in self.memory:
            self.memory[key] = self.given.product(V)
        return self.memory[key]

    # ------------------------------------------------------------ a few numbers

    def _of_diagonals(self) -> Iterator[tuple[Candidate, Layout, Part]]:
        """Yield what explains a diagonal; that of a large Hessian isn't made."""
        a = self.given.values
        assert a is not None
        large = self.given.d > DENSE
        known = [each for each in self.candidates if not (large and isinstance(each, HessianCandidate))]
        X = np.stack([candidate.diagonal for candidate in known])
        good = [plausible(X[:, layout.index], a, np.ones_like(a), self.pruned) for layout in self.fitting]
        for k, candidate in enumerate(known):
            yield from ((candidate, layout, self.parts[-1]) for n, layout in enumerate(self.fitting) if good[n][k])

    def _of_entries(self) -> list[tuple[Candidate, Layout, Part]]:
        """Return what explains a few entries, in the order of the candidates."""
        rows, columns, values = self.sample
        i = (rows[:, None] == columns).astype(np.float64).ravel()
        a, size = values.ravel(), np.abs(values).max()
        found = []
        for n, layout in enumerate(self.fitting):
            here, there = layout.index[rows], layout.index[columns]
            X = np.stack([candidate.entries(here, there).ravel() for candidate in self.candidates])
            for m, part in enumerate(self._parts(layout)):
                mask = (part.groups[here][:, None] == part.groups[there]).ravel()
                if not np.any(np.abs(a[~mask]) > self.pruned * size):
                    good = np.flatnonzero(plausible(X * mask, a, i, self.pruned))
                    found += [(int(k), n, m, (self.candidates[k], layout, part)) for k in good]
        return [hypothesis for *_, hypothesis in sorted(found, key=lambda each: each[:3])]

    @cached_property
    def sample(self) -> tuple[Host, Host, Host]:
        """Rows, columns, and the user's numbers there: columns spread over w, in each its large and other entries."""
        given, rng = self.given, np.random.default_rng(self.seed)
        z, y = self.probes[:, 0], self.products(self.probes)[:, 0]
        weights = np.minimum(np.abs(y), np.abs(y - np.median(y / z) * z))  # a row that has the shift only is no use
        alive = np.flatnonzero(weights > 1e-9 * weights.max()) if weights.any() else np.arange(given.d)
        columns = np.unique([rng.choice(piece) for piece in np.array_split(alive, min(COLUMNS, len(alive)))])
        if given.form == "function":
            taken = self.products(_units(given.d, columns))
        else:
            assert given.values is not None
            taken = given.values[:, columns]
        size = np.max(np.abs(taken), axis=1)
        order = np.argsort(-size, kind="stable")[: int(np.count_nonzero(size))]
        others = rng.choice(order, min(ROWS // 2, len(order)), replace=False) if len(order) else order
        rows = np.unique(np.concatenate([columns, order[: ROWS // 2], others]))
        return rows, columns, taken[rows]


def _units(d: int, columns: Host) -> Host:
    V = np.zeros((d, len(columns)))
    V[columns, np.arange(len(columns))] = 1.0
    return V


MANY = 64
"""The number of groups above which a part of a matrix that isn't formed has no products."""


def kept_product(candidate: Candidate, part: Part, layout: Layout, V: Host) -> Host:
    """Return the product of a part of a candidate with V, both in a layout's order, shape (d, k)."""
    groups, names = part.groups, part.names
    inside = np.zeros((len(groups), V.shape[1]))
    inside[layout.index] = V
    if len(names) == 1:
        found = candidate.product(inside)
    elif len(names) == len(groups):
        found = candidate.diagonal[:, None] * inside
    elif len(groups) <= DENSE:
        found = (candidate.dense * (groups[:, None] == groups)) @ inside
    elif len(names) <= MANY:
        found = np.zeros_like(inside)
        for name in names:
            here = (groups == name)[:, None]
            found += here * candidate.product(here * inside)
    else:
        found = np.full_like(inside, np.inf)
    return found[layout.index]
