"""What each class of matrix promises, and its definition: the two things an answer is held against."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.matrices import Dense, Diagonal, LowRank, Matrix, RankOne, ScaledIdentity
from sofim_ref.verify.exact import Decimals, decimals, identity


def definition(C: Matrix) -> Decimals:
    """Return C, shape (d, d), written out in decimals from the fields of its class, at the context's precision.

    Raises
    ------
    TypeError
        If the class is none of those whose definition is known.
    """
    eye = identity(C.dim)
    match C:
        case ScaledIdentity():
            return np.asarray(Decimal(C.scale) * eye)
        case Diagonal():
            return np.asarray(decimals(to_numpy(C.values)) * eye)
        case RankOne():
            m = decimals(to_numpy(C.vector))
            return np.asarray(Decimal(C.shift) * eye + m[:, None] * m)
        case LowRank():
            Z = decimals(to_numpy(C.factor))
            return np.asarray(Decimal(C.shift) * eye + Z @ Z.T)
        case Dense():
            return np.asarray(+decimals(to_numpy(C.matrix)))
    msg = f"C must be of a class whose definition is known, got {type(C).__name__}."
    raise TypeError(msg)


def solve_bound(C: Matrix) -> float:
    """Return the backward error, in eps, that the docstring of the class allows its `solve`."""
    match C:
        case ScaledIdentity() | Diagonal():
            return 1.0
        case RankOne():
            return 8.0
        case LowRank():
            return 8 * (1 + math.sqrt(C.factor.shape[1]))
    return 8 * math.sqrt(C.dim)


def dense_bound(C: Matrix) -> float:
    """Return how many eps of the largest entry an entry of `to_dense` may be off: one a sum or product at most."""
    match C:
        case RankOne():
            return 2.0
        case LowRank():
            return float(C.factor.shape[1] + 2)
    return 1.0
