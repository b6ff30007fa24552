"""What is said of SOFIM and the natural gradient at equal cost, and how cost is counted."""

import numpy as np
import pytest

from sofim_ref.convergence.experiments import equal_cost
from sofim_ref.convergence.experiments.equal_cost import step_operations
from sofim_ref.datasets import load
from sofim_ref.optimizers import SGD, SOFIM, NaturalGradient
from sofim_ref.problems import LogisticRegression, MLPRegressor

NATURAL = "natural-gradient"


def condition(problem):
    spectrum = np.linalg.eigvalsh(problem.oracle(problem.optimum()).hessian())
    return spectrum[-1] / spectrum[0]


@pytest.mark.parametrize("name", ["breast-cancer", "digits"])
def test_operations_are_those_of_symmetric_products_and_of_cholesky(name):
    problem = load(name).train
    N, d, C = problem.size, problem.dim, problem.n_outputs
    p = d // C
    gradient = 2 * (2 * N * p * C)  # XW, and Xᵀ times the outputs' gradients
    blocks = sum(1 for i in range(C) for j in range(i + 1))
    entries = sum(1 for i in range(p) for j in range(i + 1))
    assert step_operations(problem, SOFIM()) == gradient + 10 * d
    found = step_operations(problem, NaturalGradient())
    assert found == pytest.approx(gradient + 2 * N * blocks * entries + d**3 / 3 + 2 * d**2)


@pytest.mark.parametrize(
    ("problem", "optimizer"),
    [
        (LogisticRegression(np.eye(2), np.asarray([0, 1])), SGD()),
        (MLPRegressor(np.eye(2), np.ones(2)), SOFIM()),
    ],
    ids=["another method", "a network"],
)
def test_what_has_no_count_of_operations_is_refused(problem, optimizer):
    with pytest.raises(TypeError, match="operations are counted for SOFIM and NaturalGradient on linear models, got"):
        step_operations(problem, optimizer)


def test_a_share_costs_the_steps_until_the_loss_is_there_and_is_infinite_where_it_never_is():
    rng = np.random.default_rng(0)
    problem = LogisticRegression(rng.standard_normal((30, 2)), rng.integers(0, 2, 30), l2=0.1)
    settings = {"rhos": (1.0,), "rates": (1e-3,), "dampings": (1e-3,), "budget": 3}
    found = equal_cost(problem, shares=(1e-6, 0.5), **settings)
    assert found.shares.tolist() == [0.5, 1e-6]
    assert found.operations[NATURAL][0] == found.step_operations[NATURAL]
    assert found.passes[NATURAL].tolist() == [2.0, 4.0]  # a gradient and a Fisher matrix each
    assert np.isinf(found.operations["sofim"]).all()


@pytest.mark.slow
def test_on_digits_sofim_needs_a_quarter_of_the_operations_at_most():
    train = load("digits").train
    problem = train.on(train.features[:400], train.targets[:400])
    assert condition(problem) == pytest.approx(114, abs=1)
    found = equal_cost(problem, rhos=(1.0,), rates=(10.0, 30.0), dampings=(1e-5, 1e-4))
    assert (problem.dim, found.shares[-1]) == (650, 1e-6)
    step, steps = found.step_operations[NATURAL], found.operations[NATURAL] / found.step_operations[NATURAL]
    assert step / found.step_operations["sofim"] == pytest.approx(179, abs=1)
    assert steps[-1] == pytest.approx(6)
    for name in ("sofim", "sofim-gradient"):
        assert found.operations[name][-2] <= 1.05 * step
        assert found.operations[name][-1] < 0.26 * found.operations[NATURAL][-1]
        assert (found.passes[name][3:] > found.passes[NATURAL][3:]).all()  # by passes alone, it is the other way round


@pytest.mark.slow
def test_on_breast_cancer_they_cost_the_same_to_three_digits_and_the_natural_gradient_half_at_six():
    problem = load("breast-cancer").train
    assert condition(problem) == pytest.approx(140, abs=1)
    found = equal_cost(problem, budget=24)
    assert found.step_operations[NATURAL] / found.step_operations["sofim"] == pytest.approx(9.16, abs=0.01)
    sofim = np.minimum(found.operations["sofim"], found.operations["sofim-gradient"])
    ratio = sofim / found.operations[NATURAL]
    assert ratio[0] < 0.08
    assert ratio[[2, 3, 5]] == pytest.approx([1.02, 1.55, 2.06], rel=0.05)
    for name in ("sofim", "sofim-gradient"):
        assert (found.passes[name][3:] > 5 * found.passes[NATURAL][3:]).all()


@pytest.mark.slow
def test_where_the_problem_is_ill_conditioned_the_natural_gradient_costs_less_from_two_digits_on():
    problem = load("breast-cancer", l2=1e-5).train
    assert condition(problem) == pytest.approx(5900, rel=0.01)
    found = equal_cost(problem, budget=60, dampings=(1e-7, 1e-6, 1e-5, 1e-4))
    sofim = np.minimum(found.operations["sofim"], found.operations["sofim-gradient"])
    assert sofim[0] < 0.1 * found.operations[NATURAL][0]
    assert sofim[1] > 4 * found.operations[NATURAL][1]
    assert np.isinf(sofim[2:]).all()
    assert found.operations[NATURAL][5] <= 12 * found.step_operations[NATURAL]
    assert np.isinf([found.passes[name][2:] for name in ("sofim", "sofim-gradient")]).all()
