"""Symmetric positive definite matrices by structure, one class a file."""

from sofim_ref.matrices.dense import Dense
from sofim_ref.matrices.diagonal import Diagonal
from sofim_ref.matrices.low_rank import LowRank
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.matrices.rank_one import RankOne
from sofim_ref.matrices.scaled_identity import ScaledIdentity

__all__ = ["Dense", "Diagonal", "LowRank", "Matrix", "RankOne", "ScaledIdentity"]
