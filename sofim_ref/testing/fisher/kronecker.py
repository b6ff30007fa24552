"""K-FAC and EKFAC of any labels, exact in those of the model, and K-FAC's factors with mistakes in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from sofim_ref.models import Layer
from sofim_ref.testing.fisher.candidates import Candidate
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.jacobians import Host, LayeredJacobian
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
    J = facts.J
    if not isinstance(J, LayeredJacobian) or not facts.offers("output_fisher", "output_gradient"):
        return
    B = facts.B
    u = facts.ask("output_gradient")
    A = tuple(h.T @ h / B for h in J.inputs)
    exact, empirical = (_second(J, M) for M in (facts.ask("output_fisher"), outer(u)))
    yield FactorPair("K-FAC", A, exact)
    yield FactorPair("K-FAC, empirical", A, empirical)
    mean = tuple(np.outer(h.mean(axis=0), h.mean(axis=0)) for h in J.inputs)
    centred = tuple(a - m for a, m in zip(A, mean, strict=True))
    mean_G = tuple(np.outer(s.mean(axis=0), s.mean(axis=0)) for s in facts.back(u))
    for G, labels in ((exact, ""), (empirical, ", empirical")):
        yield FactorPair(f"K-FAC{labels}, A of the mean input", mean, G, established=False)
        yield FactorPair(f"K-FAC{labels}, A centred", centred, G, established=False)
    yield FactorPair("K-FAC, G of the mean gradient", A, mean_G, established=False)


def _second(J: LayeredJacobian, M: Host) -> tuple[Host, ...]:
    """Return the mean of Sᵀ M S over the batch for each layer: G for the labels that M stands for."""
    return tuple(S.reshape(-1, S.shape[2]).T @ (M @ S).reshape(-1, S.shape[2]) / len(S) for S in J.outputs)


@dataclass(frozen=True, eq=False)
class KroneckerCandidate(Candidate):
    """K-FAC's block-diagonal matrix: A ⊗ G for each layer."""

    J: LayeredJacobian
    factors: FactorPair
    grouped = True

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers."""
        return self.J.layers

    def of_labels(self, M: Host) -> KroneckerCandidate:
        """Return the matrix for labels of other output matrices."""
        return replace(self, factors=replace(self.factors, G=_second(self.J, M)))

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
    J : LayeredJacobian
    M : array, shape (B, C, C)
        The labels' output matrices.
    factors : FactorPair
        K-FAC's, for the same labels.
    """

    J: LayeredJacobian
    M: Host
    factors: FactorPair
    grouped = True

    @cached_property
    def bases(self) -> list[tuple[Layer, Host, Host, Host]]:
        """Each layer with the eigenvectors P of A and R of G, and the mean squares, shape (rows, columns)."""
        found = []
        for layer, A, G, h, S in zip(
            self.J.layers, self.factors.A, self.factors.G, self.J.inputs, self.J.outputs, strict=True
        ):
            P, R = np.linalg.eigh(A)[1], np.linalg.eigh(G)[1]
            found.append((layer, P, R, _moments(h @ P, S @ R, self.M)))
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
        found = np.zeros((self.J.layers[-1].stop,) * 2)
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
    J = facts.J
    found: list[Candidate] = []
    mistakes: list[Candidate] = []
    for pair in factor_pairs(facts):
        assert isinstance(J, LayeredJacobian)
        if not all(np.all(np.isfinite(X)) for X in (*pair.A, *pair.G)):
            continue
        kfac = KroneckerCandidate(pair.name, J, pair, established=pair.established)
        if not pair.established:
            mistakes.append(kfac)
            continue
        M = facts.ask("output_fisher") if pair.name == "K-FAC" else outer(facts.ask("output_gradient"))
        found += [kfac, EigenvalueCandidate(f"E{pair.name.replace('-', '')}", J, M, pair)]
    return found + mistakes


def _moments(h: Host, S: Host, M: Host) -> Host:
    """Return the mean squares of the gradients in a basis, shape (rows, columns), for rotated inputs and outputs."""
    return np.asarray((h * h).T @ np.sum(S * (M @ S), axis=1) / len(h))
