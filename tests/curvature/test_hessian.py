import cases
import numpy as np
import pytest
from oracles import assert_close, derivatives, host

from sofim_ref import curvature, problems


@pytest.mark.parametrize("case", cases.FINITE_SUMS, ids=repr)
def test_it_is_the_second_derivative_with_l2_only_if_asked(xp, case):
    for dtype in xp.dtypes:
        problem = case.make(lambda a, dtype=dtype: xp.asarray(a, dtype))
        w = xp.asarray(0.5 * np.random.default_rng(0).standard_normal(problem.dim), dtype)
        H, eye = derivatives(problem, host(w))["hessian"], np.eye(problem.dim)
        within, oracle = 64 * xp.eps(dtype) * (1 + np.linalg.norm(H, 2)), problem.oracle(w)
        assert_close(curvature.hessian(oracle).to_dense(), H - 0.01 * eye, within=within)
        assert_close(curvature.hessian(oracle, include_l2=True).to_dense(), H, within=within)
        assert_close(curvature.hessian(oracle, damping=0.5).to_dense(), H + 0.49 * eye, within=within)


def test_it_may_be_indefinite(xp):
    problem = problems.Quadratic(xp.asarray(np.diag([1.0, -1.0])), xp.asarray(np.zeros(2)))
    matrix = curvature.hessian(problem.oracle(problem.initial_point()))
    assert_close(matrix.eigenvalues(), [-1.0, 1.0], within=4 * xp.eps())


def test_a_problem_without_one_is_named():
    problem = problems.Function(1, value=lambda w: w @ w, gradient=lambda w: 2 * w)
    with pytest.raises(TypeError, match=r"Function doesn't offer hessian; it offers gradient, value"):
        curvature.hessian(problem.oracle(np.zeros(1)))


@pytest.mark.parametrize("include_l2", [False, True])
def test_the_matrix_free_one_has_the_same_l2_term(numpy_place, include_l2):
    problem = cases.FINITE_SUMS[-1].make(numpy_place.asarray)
    oracle = problem.oracle(problem.initial_point() + 0.5)
    free = curvature.matrix_free_hessian(oracle, damping=0.25, include_l2=include_l2)
    dense = curvature.hessian(oracle, damping=0.25, include_l2=include_l2)
    assert problem.l2 > 0
    assert_close(free.to_dense(), dense.to_dense(), within=64 * numpy_place.eps())
