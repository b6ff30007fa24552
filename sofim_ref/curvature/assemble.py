"""From the numbers of a curvature matrix to the `Matrix` that solves with them soonest."""

from __future__ import annotations

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import non_negative
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.problems.oracle import Oracle


def total_damping(oracle: Oracle, damping: float, *, include_l2: bool) -> float:
    """Return the damping, with the problem's l2 added if it is included; refuse a negative one before any work."""
    non_negative("damping", damping)
    return float(damping + include_l2 * oracle.l2)


def damped(matrix: Array, damping: float) -> Dense:
    """Return the d×d array plus damping·I as a `Dense` matrix."""
    if damping == 0:
        return Dense(matrix)
    xp = namespace(matrix)
    return Dense(matrix + damping * xp.eye(matrix.shape[0], dtype=matrix.dtype, device=device(matrix)))


def outer_products(Z: Array, damping: float) -> Dense | LowRank:
    """Return ZZᵀ + damping·I for Z of shape (d, k): `LowRank` while that is the smaller way, else `Dense`.

    With k < d the matrix is singular without damping, so `LowRank`, which divides by the damping, needs damping > 0.
    """
    if Z.shape[1] < Z.shape[0] and damping > 0:
        return LowRank(damping, Z)
    return damped(Z @ Z.T, damping)
