"""What each class of matrix promises, and its definition: the two things an answer is held against."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from sofim_ref.arrays import eps, namespace, to_numpy
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
from sofim_ref.verify.cases import Times
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
        case Kronecker():
            A, G = decimals(to_numpy(C.left)), decimals(to_numpy(C.right))
            return np.asarray((A[:, None, :, None] * G[None, :, None, :]).reshape(C.shape))
        case BlockDiagonal():
            dense, at = 0 * eye, 0
            for block in C.blocks:
                dense[at : at + block.dim, at : at + block.dim] = definition(block)
                at += block.dim
            return dense
        case LBFGSMatrix():
            return _bfgs(C, eye)
        case MatrixFree(product=Times(matrix=P)):
            return np.asarray(decimals(to_numpy(P)) + Decimal(C.shift) * eye)
    msg = f"C must be of a class whose definition is known, got {type(C).__name__}."
    raise TypeError(msg)


def _bfgs(C: LBFGSMatrix, eye: Decimals) -> Decimals:
    """Return σI after the BFGS update of every pair, one after another."""
    B = Decimal(float(C.scale)) * eye
    least = Decimal(eps(namespace(C.steps), C.steps.dtype))
    for s, y in zip(decimals(to_numpy(C.steps)), decimals(to_numpy(C.changes)), strict=True):
        if s @ y > least * (s @ s):
            Bs = B @ s
            B = B - Bs[:, None] * Bs / (s @ Bs) + y[:, None] * y / (s @ y)
    return np.asarray(B)


def solve_bound(C: Matrix) -> float:
    """Return the backward error, in eps, that the docstring of the class allows its `solve`."""
    match C:
        case ScaledIdentity() | Diagonal():
            return 1.0
        case RankOne():
            return 8.0
        case LowRank():
            return 8 * (1 + math.sqrt(C.factor.shape[1]))
        case Kronecker():
            return 8 * (math.sqrt(C.left.shape[0]) + math.sqrt(C.right.shape[0]))
        case BlockDiagonal():
            return max(solve_bound(block) for block in C.blocks)
        case LBFGSMatrix():
            return 8.0 * (1 + int(C.steps.shape[0])) * _condition(C)
        case MatrixFree():
            return C.tolerance / eps(namespace(C.like), C.like.dtype) + 8 * math.sqrt(C.dim)
    return 8 * math.sqrt(C.dim)


def dense_bound(C: Matrix) -> float:
    """Return how many eps of the largest entry an entry of `to_dense` may be off: one a sum or product at most."""
    match C:
        case RankOne():
            return 2.0
        case LowRank():
            return float(C.factor.shape[1] + 2)
        case BlockDiagonal():
            return max(dense_bound(block) for block in C.blocks)
        case LBFGSMatrix():
            return 8.0 * (1 + int(C.steps.shape[0])) * _condition(C)
        case MatrixFree():
            return float(C.dim + 2)
    return 1.0


def _condition(C: Matrix) -> float:
    return float(np.linalg.cond(to_numpy(C.to_dense()).astype(np.float64)))
