"""Moving averages over the gradients of earlier steps: of the gradients themselves, or of their outer products."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.testing.fisher.candidates import Candidate, OuterProduct
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.given import on_host
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.match import Search
from sofim_ref.testing.fisher.own_model import own_order
from sofim_ref.testing.fisher.verdict import percent

FIRST, SECOND = "mean-gradient outer product", "average of the gradients' outer products"
SAME = 1e-3
"""The relative difference up to which a gradient is this step's, float16's too."""
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


def of_history(G: Host, each: Host | None = None) -> list[Candidate]:
    """Return the averages of a history of gradients for each β and its correction.

    Parameters
    ----------
    G : array, shape (steps, d)
        The gradients, oldest first.
    each : array, shape (steps, B, d), optional
        Those of the examples.
    """
    found = [x for beta in BETAS for corrected in (False, True) for x in _averages(G, each, beta, corrected=corrected)]
    plain = np.full(len(G), 1 / len(G))
    found.append(OuterProduct(FIRST, plain @ G, variant="of the mean over all steps"))
    found.append(AveragedProducts(SECOND, G, plain, variant="over all steps"))
    return found + _of_examples(each, plain, "averaged over all steps")


def _averages(G: Host, each: Host | None, beta: float, *, corrected: bool) -> list[Candidate]:
    """Return the outer product of the gradients' moving average, and the moving average of their outer products.

    The third, if there are gradients of examples, is the moving average of the empirical Fisher.
    """
    weights = (1 - beta) * beta ** np.arange(len(G))[::-1]
    how = f"of a moving average with β = {beta:.6g}{', bias corrected' * corrected}"
    weights = weights / (1 - beta ** len(G)) if corrected else weights
    found: list[Candidate] = [
        OuterProduct(FIRST, weights @ G, variant=how),
        AveragedProducts(SECOND, G, weights, variant=how),
    ]
    return found + _of_examples(each, weights, f"in{how.removeprefix('of')}")


def _of_examples(each: Host | None, weights: Host, how: str) -> list[Candidate]:
    """Return the average of the steps' empirical Fisher matrices; none without gradients of examples."""
    if each is None:
        return []
    B, rows = each.shape[1], each.reshape(-1, each.shape[2])
    return [AveragedProducts("empirical Fisher", rows, np.repeat(weights, B) / B, variant=how)]


def fitted_averages(G: Host, each: Host | None, search: Search) -> list[Candidate]:
    """Return the averages with the β that explains a user's diagonal or products best, in its layout."""
    from scipy.optimize import minimize_scalar

    values, V = search.given.values, search.probes
    a = search.products(V).ravel() if values is None else values if values.ndim == 1 else np.diagonal(values)
    i = V.ravel() if values is None else np.ones(len(a))
    found: list[Candidate] = []
    for kind in range(2 + (each is not None)):

        def off(logit: float, index: Host, kind: int = kind) -> float:
            inside = None if each is None else each[:, :, index]
            average = _averages(G[:, index], inside, 1 / (1 + np.exp(-logit)), corrected=False)[kind]
            x = average.product(V).ravel() if values is None else average.diagonal
            return float(np.linalg.norm(_across(_across(a, i), _across(x, i))) / np.linalg.norm(a))

        grid = [
            (off(logit, layout.index), logit, layout) for layout in search.fitting for logit in np.arange(-3, 10, 0.25)
        ]
        _, start, layout = min(grid, key=lambda each: each[0])
        best = minimize_scalar(
            off, bounds=(start - 0.3, start + 0.3), args=(layout.index,), method="bounded", options={"xatol": 1e-12}
        )
        beta = float(1 / (1 + np.exp(-best.x)))
        for near in (round(beta, 4), beta):  # what somebody wrote has few digits
            found += [_averages(G, each, near, corrected=corrected)[kind] for corrected in (False, True)]
    return found


def _across(a: Host, x: Host) -> Host:
    """Return what is left of a without its part along x."""
    return np.asarray(a - x * (x @ a) / max(float(x @ x), 1e-300))


def gradients(history: Array, facts: Facts) -> tuple[Host, Host | None]:
    """Return a user's gradients of the steps on the host, and those of examples if they were given.

    Another shape is refused, and a last row that isn't the gradient at w on the batch, with or without l2. Columns in a
    model's own order are put into that of w.
    """
    found, _ = on_host("history", history)
    if found.ndim not in (2, 3) or found.shape[-1] != facts.d or 0 in found.shape:
        msg = (
            f"history must have shape (steps, {facts.d}), a gradient a row, oldest first, or (steps, B, {facts.d}), "
            f"got {found.shape}."
        )
        raise ValueError(msg)
    G, own = found if found.ndim == 2 else found.mean(axis=1), own_order(facts.problem)
    if own is not None and _off(G[-1][np.argsort(own)], facts) < _off(G[-1], facts):
        found, G = found[..., np.argsort(own)], G[:, np.argsort(own)]
    if (off := _off(G[-1], facts)) > SAME:
        hint = " The first row is it: pass history[::-1]." if _off(G[0], facts) <= SAME else ""
        msg = (
            "history must end with this step's gradient, at w on the batch, without which no average can be told: "
            f"its last row is off by {percent(off)}.{hint}"
        )
        raise ValueError(msg)
    return G, found if found.ndim == 3 else None


def _off(g: Host, facts: Facts) -> float:
    """Return how far a gradient is from that at w, with or without l2, relative to it."""
    w = to_numpy(facts.w).astype(np.float64)
    both = (facts.gradient, facts.gradient + facts.problem.l2 * w)
    return min(float(np.linalg.norm(g - x)) / max(float(np.linalg.norm(x)), 1e-300) for x in both)
