"""The extreme eigenvalues of every matrix, with their error, against those of its definition in 50 digits."""

import numpy as np
import pytest
from cases import MATRICES
from mpmath import mp

from sofim_ref import matrices
from sofim_ref.convergence import inverse_norm
from sofim_ref.matrices.cases import Scales

CLASSES = [getattr(matrices, name) for name in matrices.__all__ if name != "Matrix"]
CASES = [
    pytest.param(case, id=f"{cls.__name__}: {case.label}")
    for cls in CLASSES
    if isinstance(cls, type) and issubclass(cls, matrices.Matrix)
    for case in list(cls.cases(Scales.of("float64", quick=True), np.random.default_rng(0)))[::7][:6]
]


def exact_extremes(C):
    """The smallest and the largest eigenvalue of the symmetrized definition, in as many digits as it takes."""
    with mp.workdps(400):
        definition = C.definition()
        found = mp.eigsy(mp.matrix(((definition + definition.T) / 2).tolist()), eigvals_only=True)
        return min(found), max(found)


@pytest.mark.parametrize("case", CASES)
def test_the_smallest_eigenvalue_is_where_it_is_said_to_be(case):
    C = case.matrix.in_float64()
    found = C.extreme_eigenvalues()
    smallest, largest = exact_extremes(case.matrix)
    assert abs(found.smallest - smallest) <= found.error + largest * 1e-300
    assert abs(found.largest - largest) <= 1e-12 * largest
    assert found.error <= 1e-13 * C.dim * found.largest


@pytest.mark.parametrize("case", MATRICES, ids=repr)
def test_in_float64_no_number_is_rounded(case):
    C, dense = case.make(np.random.default_rng(0), 4, lambda x: np.asarray(x, dtype=np.float32))
    moved = C.in_float64()
    assert moved.like.dtype == np.float64
    if not isinstance(C, matrices.MatrixFree):  # which keeps no numbers of its own
        np.testing.assert_array_equal(moved.like, C.like)
    single = 100 * np.finfo(np.float32).eps
    np.testing.assert_allclose(moved.to_dense(), dense, rtol=0, atol=single * np.abs(dense).max())
    v = np.arange(1.0, 5.0)
    allowed = 50 * moved.solve_bound() * np.finfo(np.float64).eps  # a Q of float32 is orthogonal to float32 alone
    np.testing.assert_allclose(moved.matvec(moved.solve(v)), v, rtol=max(1e-12, allowed))


def test_a_matrix_that_is_no_dataclass_is_refused_with_the_remedy_and_written_out_for_a_bound():
    class Twice(matrices.Matrix):
        like = np.zeros(2, dtype=np.float32)

        def matvec(self, v):
            return 2 * v

        def solve(self, v):
            return v / 2

        def to_dense(self):
            return 2 * self.identity()

    with pytest.raises(TypeError, match="Twice must be a dataclass, or have a method in_float64"):
        Twice().in_float64()
    assert Twice().extreme_eigenvalues()[:2] == (2.0, 2.0)
    assert inverse_norm(Twice()) == 0.5
