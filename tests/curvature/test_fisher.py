import cases
import numpy as np
import pytest
from oracles import assert_at, assert_close, enumerated_fisher, host

from sofim_ref import curvature, matrices, problems

EVERY_SUM = pytest.mark.parametrize("case", cases.FINITE_SUMS, ids=repr)


def oracle_of(xp, case, dtype, rows=None):
    """An oracle at a random point."""
    problem = case.make(lambda a: xp.asarray(a, dtype))
    w = xp.asarray(0.5 * np.random.default_rng(0).standard_normal(problem.dim), dtype)
    return problem.oracle(w, None if rows is None else xp.asarray(np.arange(rows)))


def tolerance(xp, dtype, F):
    return 64 * xp.eps(dtype) * (1 + np.linalg.norm(F, 2))


@EVERY_SUM
def test_it_is_the_mean_over_labels_that_the_model_predicts(xp, case):
    for dtype in xp.dtypes:
        oracle = oracle_of(xp, case, dtype)
        F = enumerated_fisher(oracle.problem, host(oracle.w))
        matrix = curvature.fisher(oracle)
        assert isinstance(matrix, matrices.Dense)
        assert_close(matrix.to_dense(), F, within=tolerance(xp, dtype, F))
        assert_at(matrix.to_dense(), oracle.w)


@EVERY_SUM
def test_it_is_gauss_newton_and_the_hessian_of_a_linear_model(xp, case):
    for dtype in xp.dtypes:
        oracle = oracle_of(xp, case, dtype)
        F = host(curvature.fisher(oracle).to_dense())
        within = tolerance(xp, dtype, F)
        assert_close(curvature.gauss_newton(oracle).to_dense(), F, within=within)
        assert_close(curvature.hessian(oracle).to_dense(), F, within=within)


@EVERY_SUM
def test_few_examples_give_low_rank_and_the_same_matrix(xp, case):
    for dtype in xp.dtypes:
        oracle = oracle_of(xp, case, dtype, rows=3)
        F, low = host(curvature.fisher(oracle).to_dense()), curvature.fisher(oracle, damping=0.1)
        assert isinstance(low, matrices.LowRank)
        assert_close(low.to_dense(), F + 0.1 * np.eye(oracle.problem.dim), within=tolerance(xp, dtype, F))
        assert_at(low.factor, oracle.w)


@EVERY_SUM
def test_damping_and_l2_are_added_when_asked(xp, case):
    oracle = oracle_of(xp, case, xp.widest)
    F, eye = host(curvature.fisher(oracle).to_dense()), np.eye(oracle.problem.dim)
    within = tolerance(xp, xp.widest, F)
    assert_close(curvature.fisher(oracle, damping=0.5).to_dense(), F + 0.5 * eye, within=within)
    assert_close(curvature.fisher(oracle, include_l2=True).to_dense(), F + 0.01 * eye, within=within)
    assert_close(curvature.fisher(oracle, damping=0.5, include_l2=True).to_dense(), F + 0.51 * eye, within=within)


MATRICES = [curvature.fisher, curvature.empirical_fisher, curvature.gauss_newton, curvature.hessian]


@pytest.mark.parametrize("estimate", MATRICES, ids=lambda estimate: estimate.__name__)
@pytest.mark.parametrize("damping", [-0.005, np.nan, np.inf])
def test_negative_damping_is_refused_before_any_work_even_if_l2_would_hide_it(numpy_place, estimate, damping):
    oracle = oracle_of(numpy_place, cases.FINITE_SUMS[0], "float64")
    with pytest.raises(ValueError, match=r"damping must be a finite number >= 0, got "):
        estimate(oracle, damping=damping, include_l2=True)
    assert not oracle.calls


@pytest.mark.parametrize("estimate", MATRICES[:3], ids=lambda estimate: estimate.__name__)
def test_a_problem_without_examples_has_none(xp, estimate):
    problem = problems.Quadratic(xp.asarray(np.eye(2)), xp.asarray(np.zeros(2)))
    with pytest.raises(
        TypeError, match=r"Quadratic doesn't offer (output_fisher|per_example_gradients|output_hessian); it offers"
    ):
        estimate(problem.oracle(problem.initial_point()))
