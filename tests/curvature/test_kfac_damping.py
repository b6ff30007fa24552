"""How K-FAC shares its damping between a layer's two factors, in float32, however far apart these are in size."""

import numpy as np
import pytest

from sofim_ref import curvature, problems

ORACLE = problems.LeastSquares(np.ones((2, 1), dtype=np.float32), np.ones(2, dtype=np.float32)).oracle(
    np.zeros(2, dtype=np.float32)
)


@pytest.mark.parametrize("size_A", [1e-18, 1.0, 1e18])
@pytest.mark.parametrize("size_G", [1e-24, 1.0, 1e24])
@pytest.mark.parametrize("damping", [1e-8, 1.0])
def test_each_factor_is_damped_in_proportion_to_its_mean_eigenvalue(size_A, size_G, damping):
    A, G = (np.diag(np.float32([1, 3])) * np.float32(size_A), np.diag(np.float32([2, 4])) * np.float32(size_G))
    (C,) = curvature.kfac(ORACLE, np.random.default_rng(0), damping=damping, factors=[(A, G)]).blocks
    pi = np.sqrt(np.trace(A.astype(float)) / np.trace(G.astype(float)))
    for factor, expected in [
        (C.left, A.astype(float) + pi * np.sqrt(damping) * np.eye(2)),
        (C.right, G.astype(float) + np.sqrt(damping) / pi * np.eye(2)),
    ]:
        np.testing.assert_allclose(factor, expected, rtol=8 * float(np.finfo(np.float32).eps))
