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
from sofim_ref.testing.fisher.match import Search

FIRST, SECOND = "mean-gradient outer product", "average of the gradients' outer products"
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
    found = [each for beta in BETAS for corrected in (False, True) for each in _averages(G, beta, corrected=corrected)]
    plain = np.full(len(G), 1 / len(G))
    found.append(OuterProduct(FIRST, plain @ G, variant="of the mean over all steps"))
    found.append(AveragedProducts(SECOND, G, plain, variant="over all steps"))
    return found


def _averages(G: Host, beta: float, *, corrected: bool) -> list[Candidate]:
    """Return the outer product of the gradients' moving average, and the moving average of their outer products."""
    weights = (1 - beta) * beta ** np.arange(len(G))[::-1]
    how = f"of a moving average with β = {beta:.6g}{', bias corrected' * corrected}"
    weights = weights / (1 - beta ** len(G)) if corrected else weights
    return [OuterProduct(FIRST, weights @ G, variant=how), AveragedProducts(SECOND, G, weights, variant=how)]


def fitted_averages(G: Host, search: Search) -> list[Candidate]:
    """Return the averages with the β that explains a user's diagonal or products best, in its layout."""
    from scipy.optimize import minimize_scalar

    values, V = search.given.values, search.probes
    a = search.products(V).ravel() if values is None else values if values.ndim == 1 else np.diagonal(values)
    found: list[Candidate] = []
    for kind in (0, 1):

        def off(logit: float, index: Host, kind: int = kind) -> float:
            average = _averages(G[:, index], 1 / (1 + np.exp(-logit)), corrected=False)[kind]
            x = average.product(V).ravel() if values is None else average.diagonal
            return float(np.linalg.norm(a / np.linalg.norm(a) - x / np.linalg.norm(x)))

        grid = [
            (off(logit, layout.index), logit, layout) for layout in search.fitting for logit in np.arange(-3, 10, 0.25)
        ]
        _, start, layout = min(grid, key=lambda each: each[0])
        best = minimize_scalar(
            off, bounds=(start - 0.3, start + 0.3), args=(layout.index,), method="bounded", options={"xatol": 1e-12}
        )
        beta = float(1 / (1 + np.exp(-best.x)))
        found += [_averages(G, beta, corrected=corrected)[kind] for corrected in (False, True)]
    return found


def gradients(history: Array, facts: Facts) -> Host:
    """Return a user's gradients of earlier steps on the host, refusing another shape than (steps, d)."""
    G, _ = on_host("history", history)
    if G.ndim != 2 or G.shape[1] != facts.d or len(G) == 0:
        msg = f"history must have shape (steps, {facts.d}), a gradient a row, oldest first, got {G.shape}."
        raise ValueError(msg)
    return G
