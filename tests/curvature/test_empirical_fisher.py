import cases
import numpy as np
import pytest
from oracles import assert_at, assert_close, derivatives, host

from sofim_ref import curvature, matrices

EVERY_SUM = pytest.mark.parametrize("case", cases.FINITE_SUMS, ids=repr)


@EVERY_SUM
@pytest.mark.parametrize("rows", [24, 3])
def test_it_is_the_mean_of_the_outer_products(xp, case, rows):
    for dtype in xp.dtypes:
        problem = case.make(lambda a, dtype=dtype: xp.asarray(a, dtype))
        w = xp.asarray(0.5 * np.random.default_rng(0).standard_normal(problem.dim), dtype)
        oracle = problem.oracle(w, xp.asarray(np.arange(rows)))
        G = derivatives(problem, host(w), np.arange(rows))["per_example_gradients"]
        F, eye = G.T @ G / rows, np.eye(problem.dim)
        within = 64 * xp.eps(dtype) * (1 + np.max(np.sum(G**2, axis=1)))
        for damping, include_l2, added in ((0.0, False, 0.0), (0.5, False, 0.5), (0.0, True, 0.01), (0.5, True, 0.51)):
            matrix = curvature.empirical_fisher(oracle, damping=damping, include_l2=include_l2)
            assert_close(matrix.to_dense(), F + added * eye, within=within)
            assert_at(matrix.like, w)
            low = rows < problem.dim and added > 0
            assert isinstance(matrix, matrices.LowRank if low else matrices.Dense)


def test_it_vanishes_where_every_example_is_fitted_and_fisher_does_not(xp):
    X, _, _, _ = cases.data()
    w = xp.asarray(np.asarray([1.0, -2.0, 0.5, 3.0]))
    model = cases.problems.LeastSquares(xp.asarray(X), xp.asarray(np.zeros(24)))
    fitted = model.on(model.features, model.oracle(w).outputs())
    assert_close(curvature.empirical_fisher(fitted.oracle(w)).to_dense(), np.zeros((4, 4)), within=0)
    assert np.linalg.eigvalsh(host(curvature.fisher(fitted.oracle(w)).to_dense()))[0] > 0.1
