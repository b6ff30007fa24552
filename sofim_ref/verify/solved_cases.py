"""Hard cases with right-hand sides and their exact solutions: made once, evaluated on every backend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.matrices import Matrix
from sofim_ref.matrices.cases import Case, Scales
from sofim_ref.matrices.exact import exact
from sofim_ref.verify.dyadic import Dyadic, Host
from sofim_ref.verify.equilibrated import Equilibrated
from sofim_ref.verify.truth import Truth


@dataclass(frozen=True)
class RightHandSides:
    """Right-hand sides, with the exact solutions.

    Parameters
    ----------
    values : array, shape (d,) or (d, k)
        On the host.
    labels : tuple of str
        What each column is.
    solutions : tuple of Dyadic
        x* for each column.
    representable : tuple of bool
        Whether the largest entry of x* is a normal number of the dtype. Other columns are solved, not judged.
    own : bool
        Whether it is the very vector that the matrix keeps: ``C.solve(m)``.
    """

    values: Host
    labels: tuple[str, ...]
    solutions: tuple[Dyadic, ...]
    representable: tuple[bool, ...]
    own: bool = False

    @classmethod
    def of(cls, truth: Truth, v: Host, labels: tuple[str, ...], *, own: bool = False) -> RightHandSides:
        """Solve for every column of v exactly."""
        info = np.finfo(v.dtype)
        V = as_rows(v).T
        solutions, nonzero = truth.solve(V).columns(), np.abs(V).max(axis=0) > 0
        representable = tuple(
            not some or float(info.smallest_normal) <= solution.largest() <= float(info.max)
            for some, solution in zip(nonzero, solutions, strict=True)
        )
        return cls(v, labels, solutions, representable, own)

    def column(self, i: int) -> RightHandSides:
        """Return one column as a vector."""
        return RightHandSides(
            self.values[:, i], self.labels[i : i + 1], self.solutions[i : i + 1], self.representable[i : i + 1]
        )


@dataclass(frozen=True)
class SolvedCase:
    """A matrix on the host, the truth about it, and right-hand sides: made once, evaluated on every backend."""

    label: str
    matrix: Matrix
    truth: Truth
    right_hand_sides: tuple[RightHandSides, ...]
    equilibrated: Equilibrated | None = None

    @classmethod
    def of(cls, case: Case, turn: int, dtype: str, rng: np.random.Generator) -> SolvedCase:
        """Solve a case exactly for a block of vectors, for one of them in turn, and for the matrix's own vector."""
        C, truth = case.matrix, Truth.of(case.matrix.definition)
        equilibrated = Equilibrated.of(C, truth)
        labels, V = _right_hand_sides(case, truth, dtype, rng)
        block = RightHandSides.of(truth, V, labels)
        choice = [i for i, yes in enumerate(block.representable) if yes] or [0]
        single = block.column(choice[turn % len(choice)])
        if C.like.shape != (C.dim,):
            return cls(case.label, C, truth, (block, single), equilibrated)
        own = RightHandSides.of(truth, C.like, ("v is the matrix's own vector",), own=True)
        return cls(case.label, C, truth, (block, single, own), equilibrated)


def _right_hand_sides(case: Case, truth: Truth, dtype: str, rng: np.random.Generator) -> tuple[tuple[str, ...], Host]:
    """Return twelve right-hand sides, shape (d, 12): four directions, of lengths ‖C‖ or 1/‖C⁻¹‖, ‖like‖ and 1.

    A direction is scaled by powers of two only, so that v ∥ m is exact.
    """
    eps = float(np.finfo(dtype).eps)
    random, noise = rng.standard_normal((2, case.largest.shape[0]))
    smallest = 1 / truth.inverse_norm
    own = float(np.abs(case.matrix.like).max())
    largest_direction = case.largest.astype(np.float64)
    directions = (
        ("v of the largest eigenvalue", largest_direction, truth.norm),
        ("v nearly of the largest eigenvalue", largest_direction * (1 + 4 * eps * noise), truth.norm),
        ("v of the smallest eigenvalue", case.smallest.astype(np.float64), smallest),
        ("random v", random, smallest),
    )
    labels, columns, scales = [], [], Scales.of(dtype, quick=True)
    for label, v, eigenvalue in directions:
        for length in (eigenvalue, own or 1.0, 1.0):
            v = _power_of_two(1 / exact(float(np.abs(v).max())), np.float64) * v  # noqa: PLW2901  # to about 1
            size = _power_of_two(length, dtype)
            labels.append(f"{label}, of size {size:.0e}")
            columns.append(scales.cast(size * v))
    return tuple(labels), np.stack(columns, axis=1)


def _power_of_two(x: Any, dtype: Any) -> float:
    """Return a power of two near x, and well within the range of the dtype: neither it nor eps times it underflows."""
    info = np.finfo(dtype)
    smallest, largest = float(info.smallest_normal / info.eps) * 4, float(info.max * info.eps) / 4
    return float(2.0 ** round(math.log2(float(min(max(x, smallest), largest)))))


def as_rows(v: Host) -> Host:
    """Return vectors, the columns of v, one a row, shape (k, d)."""
    return v[None, :] if v.ndim == 1 else v.T
