import math

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.training import tuning

SGD = sr.optimizers.REGISTRY["sgd"]


def _ravine(L):
    return sr.problems.Quadratic(np.diag([1.0, L]), np.ones(2))


@pytest.mark.parametrize("L", [2.0, 9.0, 40.0])
def test_the_best_step_size_of_gradient_descent_is_the_grid_s_nearest_to_theory(L):
    problem = _ravine(L)
    least = float(problem.oracle(problem.optimum()).value())
    choice = tuning.choose_lr(problem, SGD, steps=100, optimal_loss=least)
    theory = 2 / (1 + L)
    assert abs(math.log10(choice.lr / theory)) <= 0.5
    assert choice.scores[choice.lr] == min(choice.scores.values())


def test_a_run_that_diverges_is_out():
    problem = _ravine(100.0)
    least = float(problem.oracle(problem.optimum()).value())
    choice = tuning.choose_lr(problem, SGD, steps=200, optimal_loss=least)
    assert choice.scores[100.0] == math.inf
    assert choice.lr < 0.02


def test_the_edge_of_the_grid_is_told():
    problem = _ravine(2.0)
    least = float(problem.oracle(problem.optimum()).value())
    assert tuning.choose_lr(problem, SGD, steps=20, optimal_loss=least, grid=(0.01, 0.1)).at_edge
    assert not tuning.choose_lr(problem, SGD, steps=20, optimal_loss=least, grid=(0.01, 0.5, 3.0)).at_edge


def test_a_grid_on_which_all_diverge_is_refused():
    problem = _ravine(100.0)
    with pytest.raises(ValueError, match=r"SGD diverged with every step size from 1e\+30 to 1e\+40"):
        tuning.choose_lr(problem, SGD, steps=60, optimal_loss=0.0, grid=(1e30, 1e40))


def test_a_gap_is_never_less_than_its_rounding():
    problem = _ravine(2.0)
    least = float(problem.oracle(problem.optimum()).value())
    trace = sr.minimize(problem, sr.Newton(), steps=3)
    assert tuning.gap(trace, least)[-1] == np.finfo(float).eps * abs(least)


def test_a_run_that_converges_early_keeps_its_last_gap():
    problem = _ravine(2.0)
    least = float(problem.oracle(problem.optimum()).value())
    newton = sr.optimizers.REGISTRY["newton"]
    early = tuning.choose_lr(problem, newton, steps=50, optimal_loss=least, grid=(1.0,), tolerance=1e-12)
    patient = tuning.choose_lr(problem, newton, steps=50, optimal_loss=least, grid=(1.0,))
    assert math.isclose(early.scores[1.0], patient.scores[1.0], rel_tol=1e-3)


@pytest.mark.parametrize("tolerance", [0.0, 1e-2])
def test_with_batches_too_the_score_is_the_mean_over_all_steps(tolerance):
    X = np.random.default_rng(0).standard_normal((40, 2))
    problem = sr.problems.LeastSquares(X, X @ np.asarray([1.0, -2.0]))
    settings = {"steps": 100, "batch_size": 10, "tolerance": tolerance}
    choice = tuning.choose_lr(problem, SGD, optimal_loss=0.0, grid=(0.03, 0.3), **settings)
    for lr, score in choice.scores.items():
        trace = sr.minimize(problem, sr.SGD(lr=lr), record_every=1, **settings)
        heights = np.log10(tuning.gap(trace, 0.0)).tolist()
        heights += heights[-1:] * (101 - len(heights))
        assert math.isclose(score, sum(heights) / 101, rel_tol=1e-12)


def test_a_trial_draws_the_random_numbers_of_a_run_with_its_seed():
    X = np.random.default_rng(0).standard_normal((40, 3))
    problem = sr.problems.LogisticRegression(X, (X[:, 0] + X[:, 1] > 0).astype(np.int64), l2=0.1)
    method = sr.optimizers.REGISTRY["adahessian"]
    choice = tuning.choose_lr(problem, method, steps=10, optimal_loss=0.0, grid=(0.1,), seed=3)
    scores = [
        np.mean(np.log10(sr.minimize(problem, method.build(steps=10, seed=seed, lr=0.1), steps=10, seed=3)["loss"]))
        for seed in (3, 0)
    ]
    assert choice.scores[0.1] == pytest.approx(scores[0], rel=1e-12)
    assert choice.scores[0.1] != pytest.approx(scores[1], rel=1e-6)


def test_a_method_whose_step_size_isn_t_searched_keeps_it_and_isn_t_run():
    def never():
        pytest.fail("a step size was tried")

    mine = sr.optimizers.Method.of(sr.SGD(lr=0.25))
    choice = tuning.choose_lr(_ravine(2.0), mine, steps=5, optimal_loss=0.0, before_each=never)
    assert (choice.lr, choice.scores, choice.at_edge) == (0.25, {}, False)


def test_an_optimizer_in_place_of_a_method_is_refused_with_the_remedy():
    with pytest.raises(
        TypeError, match=r"method must be a sofim_ref Method, got SGD\(.*; Method\.of\(optimizer\) makes"
    ):
        tuning.choose_lr(_ravine(2.0), sr.SGD(), steps=5, optimal_loss=0.0)
