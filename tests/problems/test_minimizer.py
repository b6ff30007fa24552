"""The optimum's gradient is rounding: at most 100 eps times the mean length of what it is summed from."""

import numpy as np
import pytest

from sofim_ref.datasets import load
from sofim_ref.problems import FiniteSum, MLPClassifier, PoissonRegression
from sofim_ref.studies.convex_problems import PROBLEMS


def rounding(at):
    lengths = np.linalg.norm(at.per_example_gradients(), axis=1)
    return np.finfo(np.float64).eps * (np.mean(lengths) + at.problem.l2 * np.linalg.norm(at.w))


@pytest.fixture
def hessians(monkeypatch):
    """Where the Hessian was asked for."""
    points, answer = [], FiniteSum.answer_hessian
    monkeypatch.setattr(FiniteSum, "answer_hessian", lambda self, at: points.append(at.w) or answer(self, at))
    return points


@pytest.mark.parametrize("name", PROBLEMS)
def test_of_the_problems_of_the_convergence_study(name):
    problem = PROBLEMS[name][1]()
    at = problem.oracle(problem.optimum())
    assert np.linalg.norm(at.gradient()) <= 100 * rounding(at)


@pytest.mark.parametrize(
    "name", ["breast-cancer", "wine", "iris", "diabetes", "linnerud", pytest.param("digits", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("l2", [1e-4, 1e-2, 1.0])
def test_of_real_data(name, l2, hessians):
    problem = load(name, l2=l2).train
    at = problem.oracle(problem.optimum())
    assert np.linalg.norm(at.gradient()) <= 100 * rounding(at)
    assert len(hessians) <= 20, "no step is taken to polish what is rounding"


@pytest.mark.parametrize("seed", range(5))
def test_of_random_counts(seed):
    rng = np.random.default_rng(seed)
    problem = PoissonRegression(rng.standard_normal((20, 3)), rng.poisson(3.0, 20), l2=0.01)
    at = problem.oracle(problem.optimum())
    assert np.linalg.norm(at.gradient()) <= 100 * rounding(at)


@pytest.mark.parametrize("largest", [1e3, 1e6, 1e9])
def test_newtons_step_is_shortened_where_it_leads_too_far(largest):
    problem = PoissonRegression(np.asarray([[0.0], [1.0]]), np.asarray([0.0, largest]), l2=1e-3)
    at = problem.oracle(problem.optimum())
    rounding_of_w = np.finfo(np.float64).eps * np.linalg.norm(np.abs(at.hessian()) @ np.abs(at.w))
    assert np.linalg.norm(at.gradient()) <= rounding(at) + rounding_of_w


def test_where_the_hessian_is_indefinite_a_trust_region_leads_to_a_minimum():
    X = np.random.default_rng(0).standard_normal((40, 2))
    network = MLPClassifier(X, (X[:, 0] * X[:, 1] > 0).astype(int), hidden=(3,), l2=0.01)
    assert np.linalg.eigvalsh(network.oracle(network.initial_point()).hessian())[0] < 0
    at = network.oracle(network.local_minimum())
    assert np.linalg.norm(at.gradient()) <= 100 * rounding(at)
    assert np.linalg.eigvalsh(at.hessian())[0] > 0
    assert at.value() < network.value(network.initial_point())
