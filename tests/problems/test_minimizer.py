"""The optimum's gradient is rounding: at most 100 eps times the mean length of what it is summed from."""

import numpy as np
import pytest

from sofim_ref.datasets import load
from sofim_ref.problems import PoissonRegression
from sofim_ref.studies.convex_problems import PROBLEMS


def scale(at):
    lengths = np.linalg.norm(at.per_example_gradients(), axis=1)
    return np.mean(lengths) + at.problem.l2 * np.linalg.norm(at.w)


@pytest.mark.parametrize("name", PROBLEMS)
def test_of_the_problems_of_the_convergence_study(name):
    problem = PROBLEMS[name][1]()
    at = problem.oracle(problem.optimum())
    assert np.linalg.norm(at.gradient()) <= 100 * np.finfo(np.float64).eps * scale(at)


@pytest.mark.parametrize("name", ["breast-cancer", "wine", "iris", "diabetes", "linnerud"])
@pytest.mark.parametrize("l2", [1e-4, 1e-2, 1.0])
def test_of_real_data(name, l2):
    problem = load(name, l2=l2).train
    at = problem.oracle(problem.optimum())
    assert np.linalg.norm(at.gradient()) <= 100 * np.finfo(np.float64).eps * scale(at)


@pytest.mark.parametrize("seed", range(5))
def test_of_random_counts(seed):
    rng = np.random.default_rng(seed)
    problem = PoissonRegression(rng.standard_normal((20, 3)), rng.poisson(3.0, 20), l2=0.01)
    at = problem.oracle(problem.optimum())
    assert np.linalg.norm(at.gradient()) <= 100 * np.finfo(np.float64).eps * scale(at)
