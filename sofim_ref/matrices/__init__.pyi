# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from .block_diagonal import BlockDiagonal as BlockDiagonal
from .condition_needed import best_conditioned as best_conditioned
from .condition_needed import condition_needed as condition_needed
from .conjugate_gradients import conjugate_gradients as conjugate_gradients
from .dense import Dense as Dense
from .diagonal import Diagonal as Diagonal
from .diagonal_plus_low_rank import DiagonalPlusLowRank as DiagonalPlusLowRank
from .kronecker import Kronecker as Kronecker
from .kronecker_power import KroneckerPower as KroneckerPower
from .lbfgs_matrix import LBFGSMatrix as LBFGSMatrix
from .low_rank import LowRank as LowRank
from .matrix import Matrix as Matrix
from .matrix import SingularMatrixError as SingularMatrixError
from .matrix_free import MatrixFree as MatrixFree
from .rank_one import RankOne as RankOne
from .rotated_diagonal import RotatedDiagonal as RotatedDiagonal
from .scaled_identity import ScaledIdentity as ScaledIdentity
