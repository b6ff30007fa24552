import cases
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref.problems import LeastSquares


def test_the_optimum_is_that_of_the_normal_equations(xp):
    X, score, _, _ = cases.data()
    for dtype in xp.dtypes:
        problem = LeastSquares(xp.asarray(X, dtype), xp.asarray(score, dtype), l2=0.1)
        bars, y = np.c_[host(problem.features), np.ones(24)], host(problem.targets)
        A = bars.T @ bars / 24 + 0.1 * np.eye(4)
        truth = np.linalg.solve(A, bars.T @ y / 24)
        assert_close(problem.optimum(), truth, within=24 * np.linalg.cond(A) * xp.eps(dtype) * np.linalg.norm(truth))


def test_both_constants_are_exact(xp):
    problem = cases.FINITE_SUMS[0].make(xp.asarray)
    spectrum = np.linalg.eigvalsh(host(problem.oracle(problem.initial_point()).hessian()))
    constants = problem.constants()
    within = 64 * xp.eps() * spectrum[-1]
    assert_close(xp.asarray(np.asarray([constants.mu, constants.L])), spectrum[[0, -1]], within=within)
    assert constants.hessian_lipschitz == 0


def test_features_that_depend_on_each_other_leave_no_unique_optimum(xp):
    X, score, _, _ = cases.data()
    twice = np.c_[X, X[:, 0]]
    with pytest.raises(
        ValueError, match=r"no unique optimum: .* depend on each other\. l2 > 0 gives it one; got l2=0\.0"
    ):
        LeastSquares(xp.asarray(twice), xp.asarray(score)).optimum()
    assert np.all(np.isfinite(host(LeastSquares(xp.asarray(twice), xp.asarray(score), l2=0.01).optimum())))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_targets_that_are_not_finite_are_refused(xp, bad):
    with pytest.raises(ValueError, match=r"targets must be finite, got NaN or infinity"):
        LeastSquares(xp.asarray(np.ones((2, 1))), xp.asarray(np.asarray([0.0, bad])))


def test_dependent_features_have_no_strong_convexity():
    rng = np.random.default_rng(0)
    for _ in range(50):
        X = rng.standard_normal((8, 2)) @ rng.standard_normal((2, 4))
        assert LeastSquares(X, np.ones(8), intercept=False).constants().mu == 0
