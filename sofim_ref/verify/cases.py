"""The matrices that are played: random ones, and those chosen to do harm."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, normal_range, to_numpy
from sofim_ref.matrices import (
    BlockDiagonal,
    Dense,
    Diagonal,
    Kronecker,
    LBFGSMatrix,
    LowRank,
    Matrix,
    MatrixFree,
    RankOne,
    ScaledIdentity,
)

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Scales:
    """The sizes of numbers that are tried in a dtype.

    Parameters
    ----------
    dtype : str
    norms : tuple of float
        Of m, of Z's columns, of a dense C.
    shifts : tuple of float
        For ρ, from the smallest number that `RankOne` takes to nearly the largest.
    ratios : tuple of float
        For ρ/‖m‖², around the places where a condition number stops being harmless.
    conditions : tuple of float
        Condition numbers, up to 1/eps.
    columns : tuple of int
        Numbers of columns of Z, which has 6 rows.
    """

    dtype: str
    norms: tuple[float, ...]
    shifts: tuple[float, ...]
    ratios: tuple[float, ...]
    conditions: tuple[float, ...]
    columns: tuple[int, ...] = (3, 1, 9)

    def held(self, shift: float) -> float:
        """Return the number nearest to `shift` that the dtype holds."""
        return min(max(shift, self.shifts[0]), self.shifts[-1])

    @classmethod
    def of(cls, dtype: str, *, quick: bool) -> Scales:
        """Return the sizes for float32 or float64; `quick` takes a few of each, the extremes among them."""
        eps = float(np.finfo(dtype).eps)
        tiny, most = normal_range(np, np.dtype(dtype))
        if dtype == "float32":
            norms = (1e-30, 1e-20, 1e-10, 1e-3, 1.0, 1e3, 1e10, 1e20, 1e30)
            shifts = (tiny, 1e-30, 1e-20, 1e-10, 1e-3, 1.0, 1e10, 1e20, 1e30, most / 2)
        else:
            norms = (1e-150, 1e-100, 1e-50, 1e-10, 1.0, 1e10, 1e50, 1e100, 1e150)
            shifts = (tiny, 1e-250, 1e-150, 1e-75, 1e-8, 1.0, 1e75, 1e150, 1e250, most / 2)
        conditions = (1.0, 100.0, eps**-0.5, 1 / eps)
        ratios = (1.0, eps**0.5, eps, eps**2)
        if quick:
            return cls(dtype, norms[::4], shifts[::3], ratios[1:3], conditions[::3], (3,))
        return cls(dtype, norms, shifts, ratios, conditions)


@dataclass(frozen=True)
class Draft:
    """A matrix on the host, with a direction in which it is steep and one in which it is flat.

    Parameters
    ----------
    label : str
        What it is, in a few words.
    matrix : Matrix
        Of NumPy arrays.
    steep, flat : array, shape (d,)
        Where C is largest and smallest, as exactly as the dtype allows; any length.
    """

    label: str
    matrix: Matrix
    steep: Host
    flat: Host


@dataclass(frozen=True, eq=False)
class Times:
    """The products of a dense matrix: what a `MatrixFree` one is made from here.

    Parameters
    ----------
    matrix : array, shape (d, d)
    """

    matrix: Array

    def __call__(self, v: Array) -> Array:
        """Return the product with v."""
        return self.matrix @ v


def cast(a: Host, dtype: str) -> Host:
    """Return an array in the dtype, with zeros for what is below its smallest normal number, as JAX would read it."""
    return np.where(np.abs(a) < np.finfo(dtype).smallest_normal, 0.0, a).astype(dtype)


def _scaled_identity(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    for d, shift in itertools.product((6, 1), scales.shifts):
        c = shift * rng.uniform(1, 2)
        steep, flat = rng.standard_normal((2, d))
        yield Draft(f"c = {c:.3g}, d = {d}", ScaledIdentity(c, cast(steep, scales.dtype)), steep, flat)


def _diagonal(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    for d, norm, condition in itertools.product((6, 1), scales.norms, scales.conditions):
        c = norm * _spectrum(d, condition) * rng.uniform(1, 2, d)
        axes = np.eye(d)
        label = f"‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}, d = {d}"
        yield Draft(label, Diagonal(cast(c, scales.dtype)), axes[np.argmax(c)], axes[np.argmin(c)])
    c = np.geomspace(scales.norms[0], scales.norms[-1], 6)
    yield Draft("c over the whole range", Diagonal(cast(c, scales.dtype)), np.eye(6)[-1], np.eye(6)[0])


def _rank_one(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    def draft(kind: str, m: Host, shift: float) -> Draft:
        m = cast(m, scales.dtype)
        steep = m if m.any() else rng.standard_normal(m.shape[0])
        label = f"{kind}‖m‖ = {_length(m):.1e}, ρ = {shift:.2e}, d = {m.shape[0]}"
        return Draft(label, RankOne(shift, m), steep, _across(steep[:, None], rng))

    for norm, shift in itertools.product(scales.norms, scales.shifts):
        yield draft("", norm * _unit(rng, 6), shift * rng.uniform(1, 2))
    for norm, ratio in itertools.product(scales.norms[1:-1:3], scales.ratios):
        yield draft("", norm * _unit(rng, 6), scales.held(norm**2 * ratio))
    for norm, shift in itertools.product(scales.norms[::2], scales.shifts[::3]):
        yield draft("", np.full(1, norm), shift * rng.uniform(1, 2))
    for shift in scales.shifts[::3]:
        yield draft("zero m, ", np.zeros(6), shift)
        yield draft("m along an axis, ", np.asarray([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]), shift)
        yield draft("entries of m from 1 to 1e-10, ", np.geomspace(1, 1e-10, 6), shift)


def _low_rank(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    def draft(kind: str, Z: Host, shift: float) -> Draft:
        Z = cast(Z, scales.dtype)
        d, k = Z.shape
        combined = (Z / (np.abs(Z).max() or 1.0)).astype(np.float64) @ rng.standard_normal(k)
        steep = combined if combined.any() else rng.standard_normal(d)
        label = f"{kind}columns of Z ≈ {np.abs(Z).max():.1e}, k = {k}, ρ = {shift:.2e}, d = {d}"
        return Draft(label, LowRank(shift, Z), steep, _across(Z, rng))

    for k, norm, shift in itertools.product(scales.columns, scales.norms[::2], scales.shifts[::3]):
        yield draft("", norm * rng.standard_normal((6, k)), shift * rng.uniform(1, 2))
    for norm, ratio in itertools.product(scales.norms[1:-1:3], scales.ratios):
        yield draft("", norm * rng.standard_normal((6, 3)), scales.held(norm**2 * ratio))
    for shift in scales.shifts[::3]:
        Z = rng.standard_normal((6, 3))
        yield draft("Z = 0, ", 0 * Z, shift)
        yield draft("one column three times, ", Z[:, [0, 0, 0]], shift)
        yield draft("columns from 1 to 1e-10, ", Z * np.asarray([1.0, 1e-5, 1e-10]), shift)
        yield draft("", rng.standard_normal((1, 3)), shift)


def _dense(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    for norm, condition, shape in itertools.product(scales.norms[::4], scales.conditions, ("even", "one large")):
        eigenvalues = _spectrum(8, condition)
        if shape == "one large":
            eigenvalues[1:] = eigenvalues[-1]
        Q = np.linalg.qr(rng.standard_normal((8, 8)))[0]
        C = norm * ((Q * eigenvalues) @ Q.T)
        label = f"‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}, {shape} spectrum, d = 8"
        yield Draft(label, Dense(cast((C + C.T) / 2, scales.dtype)), Q[:, 0], Q[:, -1])
    for norm in scales.norms[::4]:
        yield Draft(f"C = {norm:.0e}, d = 1", Dense(cast(np.full((1, 1), norm), scales.dtype)), np.ones(1), np.ones(1))


def _kronecker(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    for norm, condition, (p, q) in itertools.product(
        scales.norms[::4], scales.conditions[:3], ((3, 2), (1, 4), (4, 1))
    ):
        A, G = (cast(norm**0.5 * _positive_definite(rng, size, condition**0.5), scales.dtype) for size in (p, q))
        yield _draft(f"A {p} × {p}, G {q} × {q}, ‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}", Kronecker(A, G))


def _block_diagonal(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    for norm, condition in itertools.product(scales.norms[::4], scales.conditions[:3]):
        root = norm**0.5
        m = cast(root * _unit(rng, 3), scales.dtype)
        dense = cast(norm * _positive_definite(rng, 2, condition), scales.dtype)
        c = cast(norm * _spectrum(2, condition), scales.dtype)
        blocks = (RankOne(scales.held(norm / condition), m), Dense(dense), Diagonal(c))
        yield _draft(f"rank one, dense, diagonal, ‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}", BlockDiagonal(blocks))


def _lbfgs(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    sizes = ((1e-6, 1e-6), (1.0, 1e-2), (1.0, 1.0), (1.0, 1e2), (1e6, 1e6))
    for (norm, scale), condition, k in itertools.product(sizes, (1.0, 100.0), scales.columns):
        A = norm * _positive_definite(rng, 6, condition)
        S = cast(rng.standard_normal((k, 6)), scales.dtype)
        sigma = float(np.asarray(scale, dtype=scales.dtype))
        label = f"{k} pairs of a quadratic, ‖A‖ = {norm:.0e}, κ(A) = {condition:.0e}, σ = {sigma:.0e}, d = 6"
        kinds = {
            "": S,
            ", the oldest absent": np.where(np.arange(k)[:, None] == 0, 0.0, S),
            ", nearly parallel": S[0] + 0.1 * S,
            ", lengths from 1 to 1e-6": S * np.geomspace(1, 1e-6, k)[:, None],
        }
        for kind, steps in kinds.items():
            steps = cast(steps, scales.dtype)  # noqa: PLW2901  # in the dtype that is played
            changes = cast(steps.astype(np.float64) @ A, scales.dtype)
            yield _draft(label + kind, LBFGSMatrix(sigma, steps, changes))


def _matrix_free(scales: Scales, rng: np.random.Generator) -> Iterator[Draft]:
    strict = 4 * float(np.finfo(scales.dtype).eps)
    for norm, condition, d in itertools.product((1e-10, 1.0, 1e10), (1.0, 100.0), (8, 1)):
        C = cast(norm * _positive_definite(rng, d, condition), scales.dtype)
        example = cast(rng.standard_normal(d), scales.dtype)
        for (kind, shift), tolerance in itertools.product({"": 0.0, ", shifted": norm}.items(), (None, strict)):
            matrix = MatrixFree(Times(C), example, shift, tolerance)
            label = f"‖P‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}, d = {d}, τ = {matrix.tolerance:.0e}{kind}"
            yield _draft(label, matrix)


DRAFTS: dict[str, Callable[[Scales, np.random.Generator], Iterator[Draft]]] = {
    "ScaledIdentity": _scaled_identity,
    "Diagonal": _diagonal,
    "RankOne": _rank_one,
    "LowRank": _low_rank,
    "Dense": _dense,
    "Kronecker": _kronecker,
    "BlockDiagonal": _block_diagonal,
    "LBFGSMatrix": _lbfgs,
    "MatrixFree": _matrix_free,
}
"""From the name of a class of matrix to the matrices of it that are played."""


def _draft(label: str, C: Matrix) -> Draft:
    """Return the draft of a matrix, its steep and flat directions found from its dense form."""
    dense = to_numpy(C.to_dense()).astype(np.float64)
    directions = np.linalg.eigh(dense / np.abs(dense).max())[1]
    return Draft(label, C, directions[:, -1], directions[:, 0])


def _positive_definite(rng: np.random.Generator, d: int, condition: float) -> Host:
    """Return a symmetric matrix with eigenvalues from 1 down to 1/condition in random directions."""
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    C = (Q * _spectrum(d, condition)) @ Q.T
    return np.asarray((C + C.T) / 2)


def _spectrum(d: int, condition: float) -> Host:
    """Return d numbers from 1 down to 1/condition."""
    return np.asarray(np.geomspace(1, 1 / condition, d))


def _unit(rng: np.random.Generator, d: int) -> Host:
    m: Host = rng.standard_normal(d)
    return np.asarray(m / np.linalg.norm(m))


def _length(m: Host) -> float:
    return float(np.linalg.norm(m.astype(np.longdouble)))


def _across(Z: Host, rng: np.random.Generator) -> Host:
    """Return a vector across the columns of Z, shape (d, k); any vector where they span the space."""
    d, k = Z.shape
    y: Host = rng.standard_normal(d)
    if k >= d:
        return y
    Q = np.linalg.qr((Z / (np.abs(Z).max() or 1.0)).astype(np.float64))[0]
    for _ in range(2):
        y -= Q @ (Q.T @ y)
    return y
