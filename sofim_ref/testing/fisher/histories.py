"""Moving averages over the gradients of earlier steps: of the gradients themselves, or of their outer products."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.testing.fisher.candidates import Candidate, OuterProduct
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.given import on_host
from sofim_ref.testing.fisher.jacobians import Host

BETAS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)
"""The weights of the past that are tried."""


@dataclass(frozen=True, eq=False)
class AveragedProducts(Candidate):
    """The matrix Σₜ cₜ gₜ gₜᵀ for the rows gₜ of a history."""

    G: Host
    weights: Host

    def product(self, V: Host) -> Host:
        """Return X V, shape (d, k)."""
        return np.asarray(self.G.T @ (self.weights[:, None] * (self.G @ V)))

    def entries(self, rows: Host, columns: Host) -> Host:
        """Return X[rows, columns], shape (n, m)."""
        return np.asarray(self.G[:, rows].T @ (self.weights[:, None] * self.G[:, columns]))

    @cached_property
    def diagonal(self) -> Host:
        """The diagonal, shape (d,)."""
        return np.asarray(self.weights @ self.G**2)

    @cached_property
    def dense(self) -> Host:
        """X, shape (d, d)."""
        return np.asarray(self.G.T @ (self.weights[:, None] * self.G))


def of_history(G: Host) -> list[Candidate]:
    """Return the averages of a history of gradients, shape (steps, d), oldest first, for each β and its correction."""
    found: list[Candidate] = []
    age = np.arange(len(G))[::-1]
    for beta in BETAS:
        weights = (1 - beta) * beta**age
        for correction, words in ((1.0, ""), (1 - beta ** len(G), ", bias corrected")):
            how = f"of a moving average with β = {beta:g}{words}"
            found.append(OuterProduct("mean-gradient outer product", weights @ G / correction, variant=how))
            found.append(
                AveragedProducts("average of the gradients' outer products", G, weights / correction, variant=how)
            )
    plain = np.full(len(G), 1 / len(G))
    found.append(OuterProduct("mean-gradient outer product", plain @ G, variant="of the mean over all steps"))
    found.append(AveragedProducts("average of the gradients' outer products", G, plain, variant="over all steps"))
    return found


def gradients(history: Array, facts: Facts) -> Host:
    """Return a user's gradients of earlier steps on the host, refusing another shape than (steps, d)."""
    G, _ = on_host("history", history)
    if G.ndim != 2 or G.shape[1] != facts.d or len(G) == 0:
        msg = f"history must have shape (steps, {facts.d}), a gradient a row, oldest first, got {G.shape}."
        raise ValueError(msg)
    return G
