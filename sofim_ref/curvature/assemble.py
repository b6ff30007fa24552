"""From the numbers of a curvature matrix to the `Matrix` that solves with them soonest."""

from __future__ import annotations

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.validation import non_negative


def damped(matrix: Array, damping: float) -> Dense:
    """Return the d×d array plus damping·I as a `Dense` matrix."""
    non_negative("damping", damping)
    if damping == 0:
        return Dense(matrix)
    xp = namespace(matrix)
    return Dense(matrix + damping * xp.eye(matrix.shape[0], dtype=matrix.dtype, device=device(matrix)))


def outer_products(Z: Array, damping: float) -> Dense | LowRank:
    """Return ZZᵀ + damping·I for Z of shape (d, k): `LowRank` while that is the smaller way, else `Dense`.

    With k < d the matrix is singular without damping, so `LowRank`, which divides by the damping, needs damping > 0.
    """
    non_negative("damping", damping)
    if Z.shape[1] < Z.shape[0] and damping > 0:
        return LowRank(float(damping), Z)
    return damped(Z @ Z.T, damping)
