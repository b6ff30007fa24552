"""Symmetric positive definite matrices by structure, one class a file."""

from sofim_ref.matrices.block_diagonal import BlockDiagonal
from sofim_ref.matrices.conjugate_gradients import conjugate_gradients
from sofim_ref.matrices.dense import Dense
from sofim_ref.matrices.diagonal import Diagonal
from sofim_ref.matrices.kronecker import Kronecker
from sofim_ref.matrices.lbfgs_matrix import LBFGSMatrix
from sofim_ref.matrices.low_rank import LowRank
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.matrices.matrix_free import MatrixFree
from sofim_ref.matrices.rank_one import RankOne
from sofim_ref.matrices.scaled_identity import ScaledIdentity

__all__ = [
    "BlockDiagonal",
    "Dense",
    "Diagonal",
    "Kronecker",
    "LBFGSMatrix",
    "LowRank",
    "Matrix",
    "MatrixFree",
    "RankOne",
    "ScaledIdentity",
    "conjugate_gradients",
]
