import cases
import numpy as np
import pytest
from oracles import assert_close

from sofim_ref import curvature, problems


@pytest.mark.parametrize(("size_A", "size_G", "pi"), [(4.0, 1.0, 2.0), (0.0, 1.0, 1.0), (4.0, 0.0, 1.0)])
def test_damping_is_shared_by_the_factors_mean_eigenvalues_where_both_have_one(numpy_place, size_A, size_G, pi):
    A, G = size_A * np.diag([0.5, 1.5]), size_G * np.diag([1.0, 1.5, 0.5])
    problem = problems.SoftmaxRegression(np.eye(2), np.asarray([0, 2]), classes=3, intercept=False)
    (found,) = curvature.kfac(problem.oracle(np.zeros(6)), damping=0.25, factors=[(A, G)]).blocks
    assert_close(found.left, A + pi * 0.5 * np.eye(2), within=4 * numpy_place.eps())
    assert_close(found.right, G + 0.5 / pi * np.eye(3), within=4 * numpy_place.eps())


def test_factors_are_means_over_examples_and_draws():
    """The inputs are the same in every draw, and the gradients those of labels drawn one after another."""
    X, _, _, labels = cases.data()
    problem = problems.MLPClassifier(X, labels, hidden=(2,))
    oracle, rng = problem.oracle(problem.initial_point()), np.random.default_rng(1)
    drawn = [oracle.layer_statistics_of(oracle.sampled_output_gradient(rng)) for _ in range(3)]
    for layer, (A, G) in enumerate(curvature.kfac_factors(oracle, np.random.default_rng(1), samples=3)):
        h, s = drawn[0][layer].inputs, [draw[layer].gradients for draw in drawn]
        assert_close(A, np.einsum("ni,nj->ij", h, h) / 24, within=1e-13)
        assert_close(G, sum(np.einsum("ni,nj->ij", one, one) for one in s) / (3 * 24), within=1e-13)
