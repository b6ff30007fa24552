import numpy as np
import pytest
from trajectories import torch_sgd

from sofim_ref import SGD, arrays, minimize
from sofim_ref.problems import Quadratic

W0 = np.array([2.0, -1.0, 0.5])
A = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
B = np.array([1.0, -2.0, 0.5])


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize(
    "settings",
    [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    ids=["plain", "heavy ball", "nesterov"],
)
def test_200_steps_equal_those_of_torch(xp, settings):
    pytest.importorskip("torch")
    if "float64" not in xp.dtypes:
        pytest.skip("no float64 here")
    problem = Quadratic(xp.asarray(A), xp.asarray(B))
    trace = minimize(problem, SGD(lr=0.02, **settings), steps=200, w0=xp.asarray(W0), store_points=True)
    found = np.stack([arrays.to_numpy(point) for point in trace.points])
    truth = torch_sgd(lambda w: A @ w - B, W0, 200, lr=0.02, **settings)
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-10)


def test_plain_gradient_descent_contracts_each_eigenvector_by_one_minus_lr_times_its_eigenvalue():
    eigenvalues, V = np.linalg.eigh(A)
    trace = minimize(Quadratic(A, B), SGD(lr=0.1), steps=30, w0=W0)
    start = V.T @ (W0 - np.linalg.solve(A, B))
    end = V.T @ (trace.w - np.linalg.solve(A, B))
    atol = 30 * np.linalg.cond(A) * np.finfo(float).eps * np.linalg.norm(W0)
    np.testing.assert_allclose(end, (1 - 0.1 * eigenvalues) ** 30 * start, rtol=0, atol=atol)
