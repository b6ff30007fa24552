"""The optimum's gradient is rounding: at most 100 eps times the mean length of what it is summed from."""

import numpy as np
import pytest

from sofim_ref.datasets import load
from sofim_ref.problems import (
    FiniteSum,
    LeastSquares,
    LogisticRegression,
    MLPClassifier,
    PoissonRegression,
    SoftmaxRegression,
)
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


SPREAD = np.asarray(
    [-4.7692366521416733e24, 2.278926667593828e25, 5.022597532286674e25, -5.013224273327475e25, -2.766300022939141e25]
)
FAR_SCALED = {
    "a tiny feature": lambda: PoissonRegression(np.asarray([[-1.5846845e-06]], np.float32), np.asarray([4])),
    "large features": lambda: LogisticRegression(np.asarray([[-2.38e12, -5.1e11]]), np.asarray([1]), l2=1.0),
    "two for one target": lambda: LeastSquares(np.asarray([[-3.8e9, 6.3e9]]), np.asarray([1.0]), l2=1e-12),
    "no factor in SciPy": lambda: SoftmaxRegression(SPREAD[:, None], np.asarray([0, 1, 2, 0, 1]), l2=1e6),
    "an overflow in SciPy": lambda: PoissonRegression(
        np.asarray([[-2.7e28, 8e27, 2.1e28, 4.3e28], [6e28, -1.7e28, 2.3e28, -2.7e28], [6.7e27, -3.6e28, -1e29, 4e28]]),
        np.zeros(3),
        l2=1.0,
    ),
}


@pytest.mark.parametrize("kind", FAR_SCALED)
def test_what_rounding_leaves_no_unique_optimum_is_refused_in_words(kind):
    with pytest.raises(ValueError, match=r"^\w+ has no unique optimum: its Hessian is singular to rounding there"):
        FAR_SCALED[kind]().optimum()


@pytest.mark.parametrize("scale", [1e80, 1e200])  # of the norm's squares, and of the Hessian
def test_a_hessian_that_overflows_is_named(scale):
    problem = LeastSquares(np.asarray([[scale]]), np.ones(1), l2=1.0)
    with pytest.raises(ValueError, match=r"no optimum in float64: its Hessian's norm overflows\. Scale the features"):
        problem.optimum()
