"""Which structure a mean of outer products takes, and that it is the same matrix in either."""

import numpy as np
import pytest
from oracles import assert_close

from sofim_ref import curvature
from sofim_ref.curvature.assemble import damped
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.problems import LogisticRegression, SoftmaxRegression


def oracle(B, d):
    """Logistic regression with d parameters, at a point, on B examples."""
    rng = np.random.default_rng(0)
    problem = LogisticRegression(rng.standard_normal((B, d)), rng.integers(0, 2, B), intercept=False, l2=0.5)
    return problem.oracle(rng.standard_normal(d))


def test_without_damping_the_array_itself_is_kept(numpy_place):
    A = numpy_place.asarray(np.eye(2))
    assert damped(A, 0.0).matrix is A
    assert_close(damped(A, 0.5).matrix, 1.5 * np.eye(2), within=0)


@pytest.mark.parametrize(("B", "d", "kind"), [(4, 5, LowRank), (5, 5, Dense), (6, 5, Dense)])
def test_fewer_examples_than_parameters_make_a_low_rank_matrix(B, d, kind):
    at = oracle(B, d)
    assert type(curvature.empirical_fisher(at, damping=0.1)) is kind
    assert type(curvature.fisher(at, damping=0.1)) is kind
    assert type(curvature.empirical_fisher(at)) is type(curvature.fisher(at)) is Dense
    assert type(curvature.empirical_fisher(at, include_l2=True)) is kind


@pytest.mark.parametrize(("B", "samples", "kind"), [(2, 2, LowRank), (3, 2, Dense)])
def test_every_draw_counts_as_an_example(B, samples, kind):
    at = oracle(B, 5)
    found = curvature.sampled_fisher(at, np.random.default_rng(1), samples=samples, damping=0.1)
    assert type(found) is kind
    dense = curvature.sampled_fisher(at, np.random.default_rng(1), samples=samples).to_dense()
    assert_close(found.to_dense(), dense + 0.1 * np.eye(5), within=1e-14)


@pytest.mark.parametrize(("p", "kind"), [(2, Dense), (3, LowRank)])
def test_an_example_of_two_outputs_has_rank_two(p, kind):
    rng = np.random.default_rng(0)
    problem = SoftmaxRegression(rng.standard_normal((2, p)), np.asarray([0, 1]), intercept=False)
    at = problem.oracle(rng.standard_normal(2 * p))  # B·C = 4 of d = 2p
    found = curvature.fisher(at, damping=0.1)
    assert type(found) is kind
    assert_close(found.to_dense(), curvature.fisher(at).to_dense() + 0.1 * np.eye(2 * p), within=1e-14)
