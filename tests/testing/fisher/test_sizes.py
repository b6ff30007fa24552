"""check_fisher on large matrices and functions, in CPU time of all cores together."""

import time

import numpy as np
import pytest

from sofim_ref import curvature
from sofim_ref.problems import MLPClassifier
from sofim_ref.testing import check_fisher

pytestmark = pytest.mark.slow


def network(features, hidden):
    rng = np.random.default_rng(0)
    problem = MLPClassifier(rng.standard_normal((300, features)), np.arange(300) % 10, hidden=hidden, l2=0.01)
    return problem, problem.initial_point(1) + 0.1 * rng.standard_normal(problem.dim), np.arange(64)


def seconds(F, *at):
    began = time.process_time()
    verdict = check_fisher(F, *at)
    return verdict, time.process_time() - began


@pytest.mark.parametrize("name", ["fisher", "empirical_fisher", "hessian"])
def test_two_thousand_parameters_take_five_seconds(name):
    problem, w, rows = network(30, (40, 15))
    F = 64 * np.asarray(getattr(curvature, name)(problem.oracle(w, rows)).to_dense()) + 0.1 * np.eye(problem.dim)
    verdict, taken = seconds(F, problem, w, rows)
    assert (verdict.kind, verdict.scale_name) == ("named", "B")
    assert taken < 5
    Q = np.random.default_rng(1).standard_normal((problem.dim, 3))
    verdict, taken = seconds(F + 0.1 * Q @ Q.T, problem, w, rows)
    assert verdict.matrix is None
    assert taken < 5


def test_a_function_of_a_hundred_thousand_parameters_takes_thirty_seconds():
    problem, w, rows = network(320, (256, 64))
    oracle = problem.oracle(w, rows)
    H = oracle.output_fisher()
    verdict, taken = seconds(lambda v: 64 * oracle.gauss_newton_product(H, v) + 0.1 * v, problem, w, rows)
    assert (verdict.matrix, verdict.scale_name, verdict.kind) == ("exact Fisher", "B", "named")
    assert taken < 30
    q = np.random.default_rng(1).standard_normal(problem.dim)
    verdict, taken = seconds(lambda v: oracle.gauss_newton_product(H, v) + 0.01 * q * (q @ v), problem, w, rows)
    assert verdict.matrix is None
    assert taken < 30
