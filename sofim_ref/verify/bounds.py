"""What each class of matrix promises, and its definition: the two things an answer is held against."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
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
from sofim_ref.verify.cases import Host, Times
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
            return 8 * (math.sqrt(C.left.shape[0]) + 2 * math.sqrt(C.right.shape[0]))
        case BlockDiagonal():
            return max(solve_bound(block) for block in C.blocks)
        case LBFGSMatrix():
            return _Updates.of(C).solve_bound
        case MatrixFree():
            return float(C.tolerance or 0.0) / eps(namespace(C.like), C.like.dtype) + 8 * C.dim
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
            return _Updates.of(C).dense_bound
        case MatrixFree():
            return float(C.dim + 2)
    return 1.0


@dataclass(frozen=True)
class _Updates:
    """The BFGS updates of an `LBFGSMatrix` one after another, in float64: enough for a bound.

    Parameters
    ----------
    S, Y : array, shape (k, d)
        The pairs that count, scaled to sᵀy = 1.
    matrices : list of array, shape (d, d)
        The k + 1 matrices B₀ … B_k.
    """

    S: Host
    Y: Host
    matrices: list[Host]

    @classmethod
    def of(cls, C: LBFGSMatrix) -> _Updates:
        S, Y = (to_numpy(pairs).astype(np.float64) for pairs in (C.steps, C.changes))
        size = np.abs(S).max(axis=1, keepdims=True)
        S, Y = (pairs / np.where(size > 0, size, 1.0) for pairs in (S, Y))
        curvature = (S * Y).sum(axis=1)
        counts = curvature > eps(namespace(C.steps), C.steps.dtype) * (S * S).sum(axis=1)
        S, Y = (pairs[counts] / np.sqrt(curvature[counts])[:, None] for pairs in (S, Y))
        matrices = [float(C.scale) * np.eye(C.dim)]
        for s, y in zip(S, Y, strict=True):
            Bs = matrices[-1] @ s
            matrices.append(matrices[-1] - np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y))
        return cls(S, Y, matrices)

    @property
    def solve_bound(self) -> float:
        """8 + 2 Σ ‖s‖‖y‖ √κ, κ = max(‖H‖, ‖H⁺‖) ‖B⁺‖ of the matrices before and after the pair."""
        spectra = [np.linalg.eigvalsh(B) for B in self.matrices]
        flattest = [float(spectrum[0]) for spectrum in spectra]
        conditions = [
            float(after[-1]) / min(pair) for after, pair in zip(spectra[1:], itertools.pairwise(flattest), strict=True)
        ]
        lengths = np.linalg.norm(self.S, axis=1) * np.linalg.norm(self.Y, axis=1)
        return 8 + 2 * float(lengths @ np.sqrt(np.asarray(conditions)))

    @property
    def dense_bound(self) -> float:
        """(8 + 4 κ(K)) (σ + ‖Y‖²), K brought to ones on its diagonal, beside the largest entry of B."""
        sigma = self.matrices[0][0, 0]
        L = np.tril(self.S @ self.Y.T, k=-1)
        K = sigma * (self.S @ self.S.T) + L @ L.T
        root = np.sqrt(np.diag(K))
        condition = np.linalg.cond(K / root / root[:, None]) if root.size else 1.0
        steepest = np.linalg.norm(self.Y, 2) ** 2 if root.size else 0.0
        return float((8 + 4 * condition) * (sigma + steepest) / np.abs(self.matrices[-1]).max())
