"""Matrices that are different at each call: the numbers of them that are compared, and those of labels we draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.testing.fisher.candidates import Candidate, OutputCandidate
from sofim_ref.testing.fisher.factors import is_pairs, multiplied
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.given import given, takes
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.layouts import Layout, Part
from sofim_ref.testing.fisher.match import Search, kept_product
from sofim_ref.testing.fisher.output_matrices import outer

SIMULATED = 600
"""The number of sampled matrices that give their covariance."""
ENTRIES = 1000
"""The largest number of entries of a product that are compared."""


@dataclass(frozen=True, eq=False)
class Draws:
    """What repeated calls returned.

    Parameters
    ----------
    search : Search
        With their mean as what was given; for products, with the function itself.
    observed : array, shape (draws, n)
        The numbers of each call that are compared: the diagonal, with a sample of a matrix; or entries of a product.
    rows, columns : integer arrays
        The places of that sample, each row with each column; of a product, `rows` are its entries.
    known : dict
        Simulated numbers that were asked for already.
    """

    search: Search
    observed: Host
    rows: Host
    columns: Host
    known: dict[tuple[Layout, Part], Host] = field(default_factory=dict)

    @property
    def constant(self) -> bool:
        """Whether every call returned the same numbers."""
        return bool(np.all(self.observed == self.observed[0]))

    def numbers(self, candidate: Candidate, layout: Layout, part: Part) -> Host:
        """Return what a hypothesis has in place of the numbers that are compared, shape (n,)."""
        if self.search.given.form == "function":
            return np.asarray(kept_product(candidate, part, layout, self.search.probes[:, :1])[self.rows, 0])
        diagonal, i, j = candidate.diagonal[layout.index], layout.index[self.rows], layout.index[self.columns]
        if not i.size:
            return diagonal
        kept = part.groups[i][:, None] == part.groups[j]
        return np.concatenate([diagonal, (candidate.entries(i, j) * kept).ravel()])

    @property
    def identity(self) -> Host:
        """What the identity has in their place, shape (n,)."""
        if self.search.given.form == "function":
            return np.asarray(self.search.probes[self.rows, 0])
        here = self.rows[:, None] == self.columns
        return np.concatenate([np.ones(self.search.given.d), here.ravel().astype(np.float64)])

    @property
    def parts(self) -> list[Part]:
        """The parts that the numbers tell apart: of a diagonal only that."""
        apart = self.rows.size or self.search.given.form == "function"
        return self.search.parts if apart else self.search.parts[-1:]

    def simulated(self, facts: Facts, layout: Layout, part: Part) -> Host | None:
        """Return the numbers of matrices from one label an example, shape (`SIMULATED`, n); None if none can be drawn.

        The labels are drawn from the model.
        """
        if not facts.offers("sampled_output_gradient") or facts.J is None:
            return None
        if (layout, part) not in self.known:
            rng, J = np.random.default_rng((self.search.seed, 6)), facts.J
            us = (to_numpy(facts.oracle.sampled_output_gradient(rng)).astype(np.float64) for _ in range(SIMULATED))
            drawn = (OutputCandidate("sampled Fisher", J, outer(u)) for u in us)
            self.known[layout, part] = np.stack([self.numbers(each, layout, part) for each in drawn])
        return self.known[layout, part]

    @cached_property
    def values(self) -> Host:
        """The different answers, where there are fewer than half as many as calls; else none, shape (values, n)."""
        found = np.unique(self.observed, axis=0)
        return found if 2 * len(found) < len(self.observed) else found[:0]


def drawn(F: Callable[..., Any], draws: int, search: Callable[[Any], Search], facts: Facts) -> Draws:
    """Return what so many calls of F gave, refusing what `given` refuses.

    Parameters
    ----------
    F : callable
        Without arguments, returning a matrix; or of one vector, v -> F v.
    draws : int
    search : callable
        From what was given to the search for it.
    facts : Facts
    """
    if not takes(F):
        return _products(F, draws, search)
    first = search(_written(F(), facts))
    found = [first.given, *(given(_written(F(), facts), facts, first.layouts) for _ in range(draws - 1))]
    values = [each.values for each in found if each.values is not None]
    if len({(each.form, each.d) for each in found}) != 1 or len(values) < draws:
        what = "arrays of several shapes" if len(values) == draws else "functions"
        msg = f"F must return arrays of one shape at each of the {draws} calls, got {what}."
        raise ValueError(msg)
    search_mean = replace(first, given=replace(found[0], values=np.mean(values, axis=0)), memory={})
    rows = columns = np.zeros(0, int)
    if values[0].ndim == 2:
        rows, columns, _ = search_mean.sample
        values = [np.concatenate([np.diagonal(F), F[np.ix_(rows, columns)].ravel()]) for F in values]
    return Draws(search_mean, np.stack(values), rows, columns)


def _written(answer: Any, facts: Facts) -> Any:
    """Return an answer with Kronecker factors written out as blocks."""
    return multiplied(answer, facts) if is_pairs(answer) else answer


def _products(F: Callable[..., Any], draws: int, search: Callable[[Any], Search]) -> Draws:
    """Return what a function of a vector gives if it is called with one vector again and again."""
    found = search(F)
    product, v, d = found.given.product, found.probes[:, :1], found.given.d
    assert product is not None
    rows = np.sort(np.random.default_rng((found.seed, 9)).permutation(d)[:ENTRIES])
    return Draws(found, np.stack([product(v)[rows, 0] for _ in range(draws)]), rows, rows[:0])
