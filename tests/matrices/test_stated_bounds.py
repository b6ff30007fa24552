"""What a certificate takes from a matrix: extreme eigenvalues and error bounds, as stated, and true in 50 digits."""

import cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_close, exact

from sofim_ref.matrices import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    Kronecker,
    LBFGSMatrix,
    LowRank,
    Matrix,
    MatrixFree,
    RankOne,
    RotatedDiagonal,
    ScaledIdentity,
)

EVERY_MATRIX = pytest.mark.parametrize("case", cases.MATRICES, ids=repr)
EPS = np.finfo(np.float64).eps
A, G = np.diag([1.0, -4.0]), np.diag([3.0, 2.0, 1.0])
M = np.asarray([3.0, 4.0])
FREE = MatrixFree(lambda v: v, np.zeros(3), tolerance=8 * EPS)
E, OBLIQUE = np.eye(2), np.asarray([[1.0, 0.0], [1.0, 1.0]])
ALONG_AXES = LBFGSMatrix(2.0, E, np.diag([8.0, 0.5]))  # 2I becomes diag(8, 2), then diag(8, ½): κ is 4, then 16
OF_TWO_I = LBFGSMatrix(2.0, OBLIQUE, 2 * OBLIQUE)  # 2I stays what it is, and K, scaled, is [[1, 1/√3], [1/√3, 1]]
BLOCKS = BlockDiagonal((Dense(A), Diagonal(M), RankOne(0.5, M)))


class Bare(Matrix):
    """A matrix that leaves to `Matrix` what it may, and no dataclass."""

    like, matvec, solve = np.ones(4, dtype=np.float32), None, None

    def to_dense(self):
        return np.diag(np.asarray([4, 3, 2, 1], dtype=np.float32))


@pytest.mark.parametrize(
    ("C", "solving", "writing"),
    [
        (ScaledIdentity(2.5, M), 1, 1),
        (Diagonal(M), 1, 1),
        (RankOne(0.5, M), 8, 3),
        (LowRank(0.5, np.ones((5, 4))), 8 * (1 + 2), 4 + 2),
        (DiagonalPlusLowRank(M, np.ones((2, 4))), 10 * (1 + 2) * 4 / 3, 4 + 2),
        (Dense(np.eye(4)), 8 * 2, 1),
        (Kronecker(np.eye(4), np.eye(9)), 8 * (2 + 2 * 3), 1),
        (RotatedDiagonal(np.eye(4), np.eye(9), np.ones(36)), (4 * 2 + 9 * 3) / 2 + 1, 36 / 2 + 4),
        (FREE, 8 + 8 * 3, 3 + 2),
        (ALONG_AXES, 8 + 2 * (2 + 4), (8 + 4) * (2 + 8) / 8),
        (OF_TWO_I, 8 + 2 * 2, (8 + 4 * (2 + 3**0.5)) * (2 + 2 + 2**0.5) / 2),
        (LBFGSMatrix(2.0, E, -E), 8, 8 + 4),
        (BLOCKS, 8 * 2**0.5, 3),
        (Bare(), 8 * 2, 1),
    ],
    ids=lambda C: type(C).__name__ if isinstance(C, Matrix) else "",
)
def test_bounds_are_those_of_the_docstrings(C, solving, writing):
    assert C.solve_bound() == pytest.approx(solving, rel=1e-14)
    assert C.dense_bound() == pytest.approx(writing, rel=1e-14)


@pytest.mark.parametrize(
    ("C", "smallest", "largest", "error"),
    [
        (ScaledIdentity(2.5, M), 2.5, 2.5, 0),
        (Diagonal(np.asarray([3.0, 1.0, 2.0])), 1, 3, 0),
        (RankOne(0.5, M), 0.5, 25.5, 0),
        (RankOne(0.5, M[:1]), 9.5, 9.5, 4 * EPS * 9.5),
        (LowRank(0.5, M[:, None]), 0.5, 25.5, 0),
        (LowRank(0.5, np.diag([2.0, 1.0])), 1.5, 4.5, 2 * EPS * 2 * (2 * 1 + 2 * EPS * 2) + 4 * EPS * 1.5),
        (LowRank(2.0**-30, np.diag([2.0**20, 0.0])), 2.0**-30, 2.0**40, (2 * EPS * 2**20) ** 2 + 4 * EPS * 2.0**-30),
        (Dense(A), -4, 1, 2 * EPS * 4),
        (Kronecker(A, G), -12, 3, 4 * 3 * EPS * 3 + 1 * 2 * EPS * 4 + 2 * EPS * 4 * 3 * EPS * 3),
        (Kronecker(np.diag([0.0, 4.0]), np.diag([0.0, 3.0])), 0, 12, 2 * EPS * 4 * 2 * EPS * 3),
        (RotatedDiagonal(E, np.eye(1), M), 3, 4, 3 * EPS),
        (BLOCKS, -4, 25.5, 2 * EPS * 4),
        (BlockDiagonal((Dense(np.diag([1.0, 8.0])), Diagonal(M))), 1, 8, 2 * EPS * 8),
        (Bare(), 1, 4, 4 * np.finfo(np.float32).eps * 4),
    ],
    ids=lambda C: type(C).__name__ if isinstance(C, Matrix) else "",
)
def test_extremes_are_as_stated(C, smallest, largest, error):
    found = C.extreme_eigenvalues()
    assert found == pytest.approx((smallest, largest, error), rel=4 * EPS, abs=0)


@EVERY_MATRIX
@given(seed=st.integers(0, 2**32 - 1), d=st.sampled_from([1, 6]))
@settings(max_examples=3)
def test_extremes_are_within_their_error(numpy_place, case, seed, d):
    for dtype in numpy_place.dtypes:
        C, _ = case.make(np.random.default_rng(seed), d, lambda a, dtype=dtype: numpy_place.asarray(a, dtype))
        eigenvalues = exact.eigsy(exact.matrix(C.definition().tolist()), eigvals_only=True)
        smallest, largest, error = C.extreme_eigenvalues()
        size = float(max(abs(eigenvalues[0]), abs(eigenvalues[d - 1])))
        eps, bound = numpy_place.eps(dtype), max(C.dense_bound(), 1) * d
        assert abs(smallest - eigenvalues[0]) <= error + 2 * eps * size
        assert abs(largest - eigenvalues[d - 1]) <= 4 * bound * eps * size
        assert error <= 4 * bound * eps * size


@pytest.mark.slow_on("jax")
@EVERY_MATRIX
def test_the_same_matrix_in_float64_has_the_same_numbers(xp, case):
    C, _ = case.make(np.random.default_rng(0), 6, lambda a: xp.asarray(a, "float32"))
    wide = C.in_float64()
    assert (type(wide.like), wide.like.dtype) == (np.ndarray, np.float64)
    truth = C.definition().astype(np.float64)
    assert_close(wide.to_dense(), truth, within=16 * wide.dense_bound() * EPS * np.abs(truth).max())


def test_what_is_no_dataclass_has_to_know_itself_how_it_is_moved():
    with pytest.raises(TypeError, match=r"^Bare must be a dataclass, or have a method in_float64 of its own\.$"):
        Bare().in_float64()


def test_in_float64_a_dense_matrix_is_symmetric_and_has_no_factors():
    C = Dense(np.asarray([[2.0, 1.0], [0.5, 2.0]])).factorized().in_float64()
    assert_close(C.to_dense(), [[2.0, 0.75], [0.75, 2.0]], within=0)
    assert C.lu is None
    K = Kronecker(np.eye(2), np.eye(2)).factorized().in_float64()
    assert K.cholesky is None
