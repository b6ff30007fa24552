"""Kronecker factors of a user's: as given, or as a matrix has them whose blocks are Kronecker products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sofim_ref.models import Layer
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.fit import Fit, Numbers, accepted
from sofim_ref.testing.fisher.given import Given, on_host, small_enough
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.kronecker import FactorPair, factor_pairs
from sofim_ref.testing.fisher.layouts import CHANNELS, Layout, inputs
from sofim_ref.testing.fisher.verdict import words

Pairs = list[tuple[Host, Host]]


@dataclass(frozen=True, eq=False)
class Reading:
    """A user's factors as one may read them: A and G of each layer, the first layer first.

    Parameters
    ----------
    pairs : list of pairs of arrays
    eps : float
        Of the dtype in which they came, or what an inversion leaves of it.
    order : str
        In which order the layers came, in words; empty if the first came first.
    transform : {"", "inverse"}
        What was done to each factor.
    swapped : bool
        Whether the pairs came as (G, A).
    """

    pairs: Pairs
    eps: float
    order: str = ""
    transform: str = ""
    swapped: bool = False

    def inverted(self) -> Reading | None:
        """Return the reading of factors that are inverses; None where one is singular."""
        try:
            pairs = [(np.linalg.inv(A), np.linalg.inv(G)) for A, G in self.pairs]
        except np.linalg.LinAlgError:
            return None
        both = [
            (X, Y) for pair, inverse in zip(self.pairs, pairs, strict=True) for X, Y in zip(pair, inverse, strict=True)
        ]
        loss = max(float(np.linalg.norm(X) * np.linalg.norm(Y)) for X, Y in both)
        return replace(self, pairs=pairs, eps=self.eps * loss, transform="inverse") if self.eps * loss < 1e-3 else None


@dataclass(frozen=True)
class FactorMatch:
    """K-FAC's factors that explain a user's, up to a factor of each and a multiple of I.

    Parameters
    ----------
    pair : FactorPair
        The factors.
    fits : tuple of pairs of Fit
        Of A and of G, one a layer.
    order : str
        Where the bias stands in A, in words; empty if last.
    reading : Reading
        What was explained.
    misfit : float
        How far the factors' products are from the matrix that they were found in, relative to it.
    """

    pair: FactorPair
    fits: tuple[tuple[Fit, Fit], ...]
    order: str
    reading: Reading
    misfit: float = 0.0

    @property
    def residual(self) -> float:
        """The largest relative residual of a factor, or of their products."""
        return max(self.misfit, *(fit.residual for both in self.fits for fit in both))

    @property
    def amplification(self) -> float:
        """The largest share of a factor's rounding that its shift brings."""
        return max(fit.amplification for both in self.fits for fit in both)

    @property
    def scales(self) -> Host:
        """The factor of each layer's product A ⊗ G, the only one that matters."""
        return np.asarray([a.scale * g.scale for a, g in self.fits])

    @property
    def dampings(self) -> Host:
        """The product of the two shifts of each layer, relative to the factors: λ of K-FAC's factored damping."""
        return np.asarray([(a.shift / a.scale) * (g.shift / g.scale) for a, g in self.fits])


def given_pairs(F: Sequence[Sequence[object]], facts: Facts) -> list[Reading]:
    """Return the user's factors on the host, A first, in each reading that fits; refuse other shapes."""
    if len(F) != len(facts.layers):
        msg = f"F must have a pair (A, G) for each of the {len(facts.layers)} layers, got {len(F)} pairs."
        raise ValueError(msg)
    placed = [[on_host(f"F[{k}][{i}]", x) for i, x in enumerate(pair)] for k, pair in enumerate(F)]
    eps = max(precision for pair in placed for _, precision in pair)
    pairs = [(pair[0][0], pair[1][0]) for pair in placed]
    both = {False: pairs, True: [(G, A) for A, G in pairs]}
    readings = [Reading(each, eps, swapped=swapped) for swapped, each in both.items()]
    readings += [
        Reading(each[::-1], eps, "layers in reverse", swapped=swapped)
        for swapped, each in both.items()
        if len(each) > 1
    ]
    fitting = [x for x in readings if all(_shaped(*pair, y) for pair, y in zip(x.pairs, facts.layers, strict=True))]
    if not fitting:
        k, layer = next((k, x) for k, x in enumerate(facts.layers) if not _shaped(*pairs[k], x))
        A, G = pairs[k]
        hint = " A has no row and column for the bias." if A.shape == (layer.rows - 1,) * 2 else ""
        wanted = f"A of shape {(layer.rows,) * 2} and G of shape {(layer.columns,) * 2}"
        msg = f"F[{k}] must be factors {wanted}, got {A.shape} and {G.shape}.{hint}"
        raise ValueError(msg)
    return fitting


def is_pairs(F: object) -> bool:
    """Return whether F is a list of pairs of matrices, not of numbers."""
    if not isinstance(F, list | tuple) or not F or not isinstance(F[0], list | tuple) or len(F[0]) != 2:
        return False
    return not isinstance(F[0][0], int | float)


def multiplied(F: Sequence[Sequence[object]], facts: Facts) -> list[Host]:
    """Return the blocks A ⊗ G of each layer."""
    pairs = given_pairs(F, facts)[0].pairs
    for layer in facts.layers:
        small_enough("the product of two Kronecker factors", layer.stop - layer.start)
    return [np.kron(A, G) for A, G in pairs]


def _shaped(A: Host, G: Host, layer: Layer) -> bool:
    return (A.shape, G.shape) == ((layer.rows,) * 2, (layer.columns,) * 2)


def factor_matches(reading: Reading, facts: Facts) -> list[FactorMatch]:
    """Return the candidates whose factors explain all the user's, or if none does, their inverses."""
    found = _matches(reading, facts)
    inverse = None if found else reading.inverted()
    return found if inverse is None else _matches(inverse, facts)


def _matches(reading: Reading, facts: Facts) -> list[FactorMatch]:
    return [
        FactorMatch(pair, tuple(fits), order, reading)  # type: ignore[arg-type]  # none is None here
        for pair, order, fits in _fitted(reading, facts)
        if all(fit is not None for both in fits for fit in both)
    ]


def _fitted(reading: Reading, facts: Facts) -> Iterator[tuple[FactorPair, str, list[tuple[Fit | None, Fit | None]]]]:
    """Yield each candidate and order of A's inputs with the fits of A and G of each layer, None where there is none."""
    eps = reading.eps
    for order, rows in _orders_of_inputs(facts):
        for pair in factor_pairs(facts):
            fits = []
            for k, ((A, G), row) in enumerate(zip(reading.pairs, rows, strict=True)):
                biases = (row == len(row) - 1) & facts.biased[k] & (not reading.transform)
                both = _fit(A, pair.A[k][np.ix_(row, row)], biases, eps), _fit(G, pair.G[k], biases & False, eps)
                fits.append(both)
            yield pair, order, fits


def _fit(Y: Host, X: Host, biases: Host, eps: float) -> Fit | None:
    """Return the fit of a factor, the blocks of its weights and of its bias as large as each other."""
    weights = np.ones(len(X))
    for here in (biases, ~biases) if biases.any() else ():
        size = float(np.linalg.norm(X[np.ix_(here, here)]))
        weights[here] = size**-0.5 if size > 0 else 1.0
    W = np.outer(weights, weights)
    fit = Numbers((Y * W).ravel(), (X * W).ravel(), np.diag(weights**2).ravel(), accepted(eps)).fitted(eps)
    return None if fit is None or fit.residual > accepted(eps) else fit


def but_for_factors(readings: list[Reading], facts: Facts) -> str:
    """Return which candidate's factors most of the user's are, and which aren't; empty where half of them aren't."""
    best, said = len(facts.layers), ""
    for reading in readings:
        for pair, order, fits in _fitted(reading, facts):
            wrong = [
                f"{name} of layer {k}"
                for k, both in enumerate(fits, 1)
                for name, x in zip("AG", both, strict=True)
                if x is None
            ]
            if pair.established and len(wrong) < best:
                told = ", ".join(filter(None, (order, reading.order)))
                what = f"{words(pair.name)[0]}{f', {told},' * bool(told)}"
                best, said = len(wrong), f"They are those of {what} but for {' and '.join(wrong)}."
    return said


def _orders_of_inputs(facts: Facts) -> Iterator[tuple[str, list[Host]]]:
    """Yield the orders in which A may have a layer's inputs, in words and as the rows of each layer."""
    native = [np.arange(layer.rows) for layer in facts.layers]
    yield "", native
    yield "with the bias first in A", [np.roll(row, 1) for row in native]
    for channels in CHANNELS if facts.kernels else ():
        rows = [inputs(layer, facts.kernels, channels) for layer in facts.layers]
        if any(np.any(row != own) for row, own in zip(rows, native, strict=True)):
            yield f"{channels} in A", rows


def nearest_factors(
    given: Given, layouts: list[Layout], layers: tuple[Layer, ...]
) -> Iterator[tuple[Layout, Pairs, float]]:
    """Yield the layouts in which the matrix has a Kronecker product a layer, with their factors and their misfit."""
    if given.form not in ("dense", "blocks") or given.values is None or not layers:
        return
    for layout in layouts:
        if len(layout.index) != layers[-1].stop:
            continue
        places = np.argsort(layout.index)
        index = [places[layer.start : layer.stop] for layer in layers]
        if not all(_like_product(given.values, here, x) for here, x in zip(index, layers, strict=True)):
            continue
        blocks = [given.values[np.ix_(here, here)] for here in index]
        pairs = [_cross(block, layer) for block, layer in zip(blocks, layers, strict=True)]
        rest = float(np.sum(given.values**2)) - sum(float(np.sum(block**2)) for block in blocks)
        off = sum(float(np.sum((x - np.kron(A, G)) ** 2)) for x, (A, G) in zip(blocks, pairs, strict=True))
        misfit = np.sqrt(max(rest, 0.0) + off) / float(np.linalg.norm(given.values))
        if misfit <= given.accepted:
            yield layout, pairs, misfit


def _like_product(F: Host, index: Host, layer: Layer) -> bool:
    """Return whether a block has A ⊗ G's entries in one row: F[i a, j b] F[i a, i a] = F[i a, j a] F[i a, i b]."""
    place = int(np.argmax(np.abs(F[index, index])))
    row = F[index[place], index].reshape(layer.rows, layer.columns)
    i, a = divmod(place, layer.columns)
    off = row * row[i, a] - np.outer(row[:, a], row[i])
    return bool(np.linalg.norm(off) <= 0.1 * abs(row[i, a]) * np.linalg.norm(row))


def _cross(block: Host, layer: Layer) -> tuple[Host, Host]:
    """Return A and G of block = A ⊗ G, by the cross through the largest entry of Van Loan's rearrangement."""
    p, c = layer.rows, layer.columns
    R = block.reshape(p, c, p, c).transpose(0, 2, 1, 3).reshape(p * p, c * c)
    i, j = np.unravel_index(np.argmax(np.abs(R)), R.shape)
    pivot = R[i, j] or 1.0
    return R[:, j].reshape(p, p), (R[i] / pivot).reshape(c, c)
