"""K-FAC and EKFAC of any labels, exact in those of the model, and K-FAC's factors with mistakes in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from sofim_ref.curvature.ekfac import rotated_squares
from sofim_ref.models import Layer
from sofim_ref.testing.fisher.candidates import Candidate
from sofim_ref.testing.fisher.facts import Facts, Flow
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.output_matrices import outer


@dataclass(frozen=True, eq=False)
class FactorPair:
    """K-FAC's factors of every layer, under the name of the matrix that they make.

    Parameters
    ----------
    name : str
        What `FisherVerdict.matrix` says.
    A, G : tuple of arrays, shapes (rows, rows) and (columns, columns)
        The factors of each layer.
    established : bool
        Whether the literature knows the matrix; others are mistakes.
    """

    name: str
    A: tuple[Host, ...]
    G: tuple[Host, ...]
    established: bool = True


def factor_pairs(facts: Facts) -> Iterator[FactorPair]:
    """Yield K-FAC's factors for exact and for the data's labels, then those with a mistake in A or in G."""
    if not facts.flows or not facts.offers("output_fisher", "output_gradient"):
        return
    for setting, flows in settings(facts):
        yield from _factor_pairs(setting, flows, facts)


def settings(facts: Facts) -> Iterator[tuple[str, tuple[Flow, ...]]]:
    """Yield K-FAC's settings for shared weights, by what their names end in, with what each takes for the flows.

    "Expand" takes positions as examples each, "reduce" their mean input and summed gradient; without sharing both are
    what there is.
    """
    if not facts.shared:
        yield "", facts.flows
        return
    yield ", expand", facts.flows
    yield ", reduce", tuple(Flow(x.layer, x.h.mean(1, keepdims=True), x.S.sum(2, keepdims=True)) for x in facts.flows)


def _factor_pairs(setting: str, flows: tuple[Flow, ...], facts: Facts) -> Iterator[FactorPair]:
    u = facts.ask("output_gradient")
    h = [flow.h.reshape(-1, flow.h.shape[2]) for flow in flows]
    A = tuple(x.T @ x / len(x) for x in h)
    exact, empirical = (_second(flows, M) for M in (facts.ask("output_fisher"), outer(u)))
    yield FactorPair(f"K-FAC{setting}", A, exact)
    yield FactorPair(f"K-FAC, empirical{setting}", A, empirical)
    mean = tuple(np.outer(x.mean(axis=0), x.mean(axis=0)) for x in h)
    centred = tuple(a - m for a, m in zip(A, mean, strict=True))
    sums = (np.einsum("nctk,nc->k", flow.S, u) / facts.B for flow in flows)
    mean_G = tuple(np.outer(s, s) for s in sums)
    for G, labels in ((exact, ""), (empirical, ", empirical")):
        yield FactorPair(f"K-FAC{labels}{setting}, A of the mean input", mean, G, established=False)
        yield FactorPair(f"K-FAC{labels}{setting}, A centred", centred, G, established=False)
    yield FactorPair(f"K-FAC{setting}, G of the mean gradient", A, mean_G, established=False)


def _second(flows: tuple[Flow, ...], M: Host) -> tuple[Host, ...]:
    """Return the mean over the batch of Σₜ Sₜᵀ M Sₜ for each layer: G for the labels that M stands for."""
    found = []
    for flow in flows:
        (B, C, *_), columns = flow.S.shape, flow.layer.columns
        weighed = (M @ flow.S.reshape(B, C, -1)).reshape(-1, columns)
        found.append(flow.S.reshape(-1, columns).T @ weighed / B)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class KroneckerCandidate(Candidate):
    """K-FAC's block-diagonal matrix: A ⊗ G for each layer."""

    flows: tuple[Flow, ...]
    factors: FactorPair
    grouped = True

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers."""
        return tuple(flow.layer for flow in self.flows)

    def of_labels(self, M: Host) -> KroneckerCandidate:
        """Return the matrix for labels of other output matrices."""
        return replace(self, factors=replace(self.factors, G=_second(self.flows, M)))

    def product(self, V: Host) -> Host:
        """Return X V, shape (d, k)."""
        found = np.empty_like(V)
        for layer, A, G in self._each():
            block = V[layer.start : layer.stop].T.reshape(-1, layer.rows, layer.columns)
            found[layer.start : layer.stop] = (A @ block @ G).reshape(len(block), -1).T
        return found

    def entries(self, rows: Host, columns: Host) -> Host:
        """Return X[rows, columns], shape (n, m)."""
        found = np.zeros((len(rows), len(columns)))
        for layer, A, G in self._each():
            (here, i, a), (there, j, b) = (_within(layer, index) for index in (rows, columns))
            found[np.ix_(here, there)] = A[np.ix_(i, j)] * G[np.ix_(a, b)]
        return found

    @cached_property
    def diagonal(self) -> Host:
        """The diagonal, shape (d,)."""
        return np.concatenate([np.outer(np.diagonal(A), np.diagonal(G)).ravel() for _, A, G in self._each()])

    @cached_property
    def dense(self) -> Host:
        """X, shape (d, d)."""
        found = np.zeros((self.layers[-1].stop,) * 2)
        for layer, A, G in self._each():
            found[layer.start : layer.stop, layer.start : layer.stop] = np.kron(A, G)
        return found

    def _each(self) -> Any:
        return zip(self.layers, self.factors.A, self.factors.G, strict=True)


@dataclass(frozen=True, eq=False)
class EigenvalueCandidate(Candidate):
    """EKFAC's block-diagonal matrix: K-FAC's eigenvectors, with the gradients' mean squares along them.

    Parameters
    ----------
    flows : tuple of Flow
    M : array, shape (B, C, C)
        The labels' output matrices.
    factors : FactorPair
        K-FAC's, for the same labels.
    """

    flows: tuple[Flow, ...]
    M: Host
    factors: FactorPair
    grouped = True

    @cached_property
    def bases(self) -> list[tuple[Layer, Host, Host, Host]]:
        """Each layer with the eigenvectors P of A and R of G, and the mean squares, shape (rows, columns)."""
        found = []
        for flow, A, G in zip(self.flows, self.factors.A, self.factors.G, strict=True):
            P, R = np.linalg.eigh(A)[1], np.linalg.eigh(G)[1]
            found.append((flow.layer, P, R, rotated_squares(flow.h @ P, flow.S @ R, self.M)))
        return found

    def product(self, V: Host) -> Host:
        """Return X V, shape (d, k)."""
        found = np.empty_like(V)
        for layer, P, R, D in self.bases:
            block = V[layer.start : layer.stop].T.reshape(-1, layer.rows, layer.columns)
            found[layer.start : layer.stop] = (P @ ((P.T @ block @ R) * D) @ R.T).reshape(len(block), -1).T
        return found

    def entries(self, rows: Host, columns: Host) -> Host:
        """Return X[rows, columns], shape (n, m)."""
        found = np.zeros((len(rows), len(columns)))
        for layer, P, R, D in self.bases:
            (here, i, a), (there, j, b) = (_within(layer, index) for index in (rows, columns))
            if len(i) and len(j):
                left = np.einsum("np,pq,nq->npq", P[i], D, R[a]).reshape(len(i), -1)
                right = np.einsum("np,nq->npq", P[j], R[b]).reshape(len(j), -1)
                found[np.ix_(here, there)] = left @ right.T
        return found

    @cached_property
    def diagonal(self) -> Host:
        """The diagonal, shape (d,)."""
        return np.concatenate([((P**2) @ D @ (R**2).T).ravel() for _, P, R, D in self.bases])

    @cached_property
    def dense(self) -> Host:
        """X, shape (d, d)."""
        found = np.zeros((self.flows[-1].layer.stop,) * 2)
        for layer, P, R, D in self.bases:
            Q = np.kron(P, R)
            found[layer.start : layer.stop, layer.start : layer.stop] = (Q * D.ravel()) @ Q.T
        return found


def _within(layer: Layer, index: Host) -> tuple[Host, Host, Host]:
    """Return which of some parameters are in a layer, and the rows and columns of those that are."""
    here = (layer.start <= index) & (index < layer.stop)
    rows, columns = np.divmod(index[here] - layer.start, layer.columns)
    return here, rows, columns


def layerwise(facts: Facts) -> list[Candidate]:
    """Return K-FAC and EKFAC, those with a mistake in a factor last."""
    found: list[Candidate] = []
    mistakes: list[Candidate] = []
    flows = dict(settings(facts)) if facts.flows else {}
    for pair in factor_pairs(facts):
        if not all(np.all(np.isfinite(X)) for X in (*pair.A, *pair.G)):
            continue
        seen = next(each for setting, each in flows.items() if setting in pair.name)
        kfac = KroneckerCandidate(pair.name, seen, pair, established=pair.established)
        if not pair.established:
            mistakes.append(kfac)
            continue
        M = outer(facts.ask("output_gradient")) if "empirical" in pair.name else facts.ask("output_fisher")
        found += [kfac, EigenvalueCandidate(f"E{pair.name.replace('-', '')}", facts.flows, M, pair)]
    return found + mistakes
