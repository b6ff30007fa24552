import cases
import numpy as np
import pytest
from oracles import assert_at, assert_close, host

from sofim_ref import curvature, matrices

EVERY_PROBLEM = pytest.mark.parametrize("case", cases.PROBLEMS, ids=repr)


@EVERY_PROBLEM
def test_it_is_the_outer_product_of_the_gradient_plus_rho(xp, case):
    for dtype in xp.dtypes:
        problem = case.make(lambda a, dtype=dtype: xp.asarray(a, dtype))
        oracle = problem.oracle(xp.asarray(np.random.default_rng(0).standard_normal(problem.dim), dtype))
        g = host(oracle.gradient())
        matrix = curvature.mean_gradient_fisher(oracle, rho=0.5)
        assert isinstance(matrix, matrices.RankOne)
        assert_at(matrix.vector, oracle.w)
        truth = np.outer(g, g) + 0.5 * np.eye(problem.dim)
        assert_close(matrix.to_dense(), truth, within=4 * xp.eps(dtype) * (1 + g @ g))


def test_a_moment_takes_the_place_of_the_gradient(xp):
    oracle = cases.PROBLEMS[0].make(xp.asarray).oracle(xp.asarray(np.ones(4)))
    mean = xp.asarray(np.asarray([1.0, 2.0, 0.0, 0.0]))
    assert curvature.mean_gradient_fisher(oracle, rho=0.5, mean=mean).vector is mean
    assert not oracle.calls


@EVERY_PROBLEM
def test_at_the_optimum_nothing_but_rho_is_left(numpy_place, case):
    problem = case.make(numpy_place.asarray)
    matrix = curvature.mean_gradient_fisher(problem.oracle(problem.optimum()), rho=0.5)
    assert_close(matrix.to_dense(), 0.5 * np.eye(problem.dim), within=1e-24)


def test_bad_arguments_are_refused(xp):
    oracle = cases.PROBLEMS[0].make(xp.asarray).oracle(xp.asarray(np.ones(4)))
    with pytest.raises(ValueError, match=r"rho must be a finite number > 0, got 0\.0"):
        curvature.mean_gradient_fisher(oracle, rho=0.0)
    with pytest.raises(ValueError, match=r"must be 1-D, got shape \(4, 1\)"):
        curvature.mean_gradient_fisher(oracle, rho=1.0, mean=xp.asarray(np.ones((4, 1))))
