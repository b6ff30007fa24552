import cases
import numpy as np
import pytest
from oracles import assert_close, derivatives, host, loss_derivatives, raw_data

from sofim_ref import curvature


@pytest.mark.parametrize("case", cases.FINITE_SUMS, ids=repr)
def test_it_carries_the_curvature_in_the_outputs_back_to_w(xp, case):
    for dtype in xp.dtypes:
        problem = case.make(lambda a, dtype=dtype: xp.asarray(a, dtype))
        w = xp.asarray(0.5 * np.random.default_rng(0).standard_normal(problem.dim), dtype)
        truth = derivatives(problem, host(w))
        H = loss_derivatives(type(problem.likelihood).__name__)(truth["outputs"], raw_data(problem)[1])[2]
        J = truth["jacobian"]
        G = np.einsum("nci,ncd,ndj->ij", J, np.asarray(H), J) / problem.size
        within, eye = 64 * xp.eps(dtype) * (1 + np.linalg.norm(G, 2)), np.eye(problem.dim)
        assert_close(curvature.gauss_newton(problem.oracle(w)).to_dense(), G, within=within)
        both = curvature.gauss_newton(problem.oracle(w), damping=0.5, include_l2=True)
        assert_close(both.to_dense(), G + 0.51 * eye, within=within)
