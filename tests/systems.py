"""Systems (ρI + ZZᵀ) x = v at every scale of a dtype, v from parallel to orthogonal: what a stable solve must stand."""

import functools
from dataclasses import dataclass

import numpy as np
from oracles import factor_solve, is_representable

RANGES = {"float32": 1e30, "float64": 1e150}
"""Norms go from one over this number up to it."""


@dataclass(frozen=True)
class System:
    """One matrix, and columns v; a column whose exact solution the dtype can't hold is zero instead."""

    rho: float
    Z: np.ndarray
    V: np.ndarray

    def __repr__(self):
        return f"rho={self.rho:.3g}, |Z|={np.max(np.abs(self.Z)):.3g}, d={self.Z.shape[0]}"


def shifts(dtype):
    """From the smallest normal number to one over it."""
    info, far = np.finfo(dtype), RANGES[dtype]
    return [float(info.tiny), 1 / far, 1e-10, 0.5, 1e10, far, float(1 / info.tiny)]


def scales(dtype):
    far = RANGES[dtype]
    return [1 / far, far**-0.5, 1.0, far**0.5, far]


def operands(rng, Z, dtype):
    """Parallel to a column, scaled, nearly parallel, in the span, random, orthogonal, tiny, huge: shape (d, 8)."""
    d, k = Z.shape
    size = np.max(np.abs(Z)) or 1.0
    m, random = Z[:, 0] / size, rng.standard_normal(d)
    U = np.linalg.svd(Z / size, full_matrices=False)[0]
    across = random - U @ (U.T @ random)
    near = m * (1 + 10 * np.finfo(dtype).eps * rng.standard_normal(d))
    far = RANGES[dtype]
    columns = [m * size, m * -0.7, near * size, Z / size @ rng.standard_normal(k), random]
    return np.stack([*columns, across, random / far, random * far / 10], axis=1).astype(dtype)


def system(rho, Z, dtype, rng):
    V = operands(rng, Z, dtype)
    size = float(max(np.max(np.abs(Z)), np.finfo(dtype).tiny))
    digits = 40 + int(max(0, 2 * np.log10(size * len(Z)) - np.log10(rho)))  # more than the condition number has
    keep = [is_representable(factor_solve(rho, Z, v, digits=digits), dtype) for v in V.T]
    return System(rho, Z, np.where(keep, V, 0).astype(dtype))


@functools.cache
def rank_one(dtype, d):
    """Every scale of m, zero too, with every ρ; Z is m as a column."""
    rng = np.random.default_rng(d)
    m = rng.standard_normal((d, 1)) / d**0.5
    vectors = [(scale * m).astype(dtype) for scale in scales(dtype)] + [np.zeros((d, 1), dtype=dtype)]
    every = 1 if d < 100 else 2
    return [system(rho, Z, dtype, rng) for Z in vectors[::every] for rho in shifts(dtype)[::every]]


@functools.cache
def low_rank(dtype, kind):
    """Every scale of a factor with independent, dependent, zero or too many columns, or of many sizes, with every ρ."""
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((6, 3))
    if kind == "dependent":
        Z[:, 2] = Z[:, 0]
    if kind == "zero column":
        Z[:, 1] = 0
    if kind == "many sizes":
        Z = Z * np.asarray([1.0, 1e-4, 1e-12])
    if kind == "k > d":
        Z = Z.T
    factors = [(scale * Z).astype(dtype) for scale in scales(dtype)]
    return [system(rho, Z, dtype, rng) for Z in factors for rho in shifts(dtype)]
