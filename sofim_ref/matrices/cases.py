"""Matrices that are hard to solve with: what `verify` evaluates a class on, at the scales of a dtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import normal_range, to_numpy
from sofim_ref.matrices.matrix import Matrix

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """A matrix on the host, with the directions in which it is largest and smallest.

    Parameters
    ----------
    label : str
        What it is, in a few words.
    matrix : Matrix
        Of NumPy arrays.
    largest, smallest : array, shape (d,)
        Eigenvectors of the largest and the smallest eigenvalue, as exactly as the dtype allows; any length.
    """

    label: str
    matrix: Matrix
    largest: Host
    smallest: Host

    @classmethod
    def of(cls, label: str, matrix: Matrix) -> Case:
        """Return the case of a matrix, its two directions found from its dense form."""
        dense = to_numpy(matrix.to_dense()).astype(np.float64)
        directions = np.linalg.eigh(dense / np.abs(dense).max())[1]
        return cls(label, matrix, directions[:, -1], directions[:, 0])


@dataclass(frozen=True)
class Scales:
    """The sizes of numbers that are tried in a dtype.

    Parameters
    ----------
    dtype : str
    norms : tuple of float
        Of a vector m, of a factor's columns, of a dense C.
    shifts : tuple of float
        For ρ, from the smallest number that `RankOne` takes to nearly the largest.
    ratios : tuple of float
        For ρ/‖m‖², around the places where a condition number stops being harmless.
    conditions : tuple of float
        Condition numbers, up to 1/eps.
    columns : tuple of int
        Numbers of columns of a factor with 6 rows.
    """

    dtype: str
    norms: tuple[float, ...]
    shifts: tuple[float, ...]
    ratios: tuple[float, ...]
    conditions: tuple[float, ...]
    columns: tuple[int, ...] = (3, 1, 9)

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

    def clipped(self, shift: float) -> float:
        """Return the number nearest to `shift` that `RankOne` takes in the dtype."""
        return min(max(shift, self.shifts[0]), self.shifts[-1])

    def cast(self, a: Host) -> Host:
        """Return an array in the dtype, zeros for what is below its smallest normal number, as JAX would read it."""
        return np.where(np.abs(a) < np.finfo(self.dtype).smallest_normal, 0.0, a).astype(self.dtype)


def spectrum(d: int, condition: float) -> Host:
    """Return d numbers from 1 down to 1/condition, in geometric progression."""
    return np.asarray(np.geomspace(1, 1 / condition, d))


def positive_definite(rng: np.random.Generator, d: int, condition: float) -> Host:
    """Return a symmetric matrix with eigenvalues from 1 down to 1/condition in random directions."""
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    C = (Q * spectrum(d, condition)) @ Q.T
    return np.asarray((C + C.T) / 2)


def unit_vector(rng: np.random.Generator, d: int) -> Host:
    """Return a vector of length 1 in a random direction."""
    m = rng.standard_normal(d)
    return np.asarray(m / np.linalg.norm(m))


def orthogonal_to(Z: Host, rng: np.random.Generator) -> Host:
    """Return a vector orthogonal to the columns of Z, shape (d, k); any vector where they span the space."""
    d, k = Z.shape
    y: Host = rng.standard_normal(d)
    if k >= d:
        return y
    Q = np.linalg.qr((Z / (np.abs(Z).max() or 1.0)).astype(np.float64))[0]
    for _ in range(2):
        y -= Q @ (Q.T @ y)
    return y
