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
    choice = tuning.choose_lr(problem, SGD, steps=200, optimal_loss=least, grid=(0.01, 30.0))
    assert choice.scores[30.0] == math.inf, "the first trial, which nothing ends early"
    assert choice.lr == 0.01


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


def searched_to_the_end(problem, method, *, optimal_loss, grid, steps, **settings):
    """The score of every step size by its definition, and the mean of what heights and rounding allow after k steps."""
    scores, bounds = {}, {}
    for lr in grid:
        trace = sr.minimize(problem, method.build(steps=steps, lr=lr), steps=steps, record_every=1, **settings)
        heights = np.log10(tuning.gap(trace, optimal_loss)).tolist()
        floor = np.log10(max(abs(optimal_loss) * np.finfo(float).eps, np.finfo(float).tiny))
        heights += heights[-1:] * (steps + 1 - len(heights))
        scores[lr] = math.inf if trace.status.failed else np.mean(heights)
        bounds[lr] = [np.mean([*heights[: k + 1], *[floor] * (steps - k)]) for k in range(steps + 1)]
    return scores, bounds


def check_against_search_to_the_end(problem, method, **settings):
    choice = tuning.choose_lr(problem, method, **settings)
    scores, bounds = searched_to_the_end(problem, method, **settings)
    assert choice.lr == min(scores, key=scores.get)
    assert tuple(choice.scores) == tuple(scores)
    for lr, score in choice.scores.items():
        k = choice.ended_early.get(lr)
        expected = scores[lr] if k is None else bounds[lr][k]
        assert math.isclose(score, expected, rel_tol=1e-12, abs_tol=1e-12)
        assert k is None or k < settings["steps"]
        assert k is None or choice.scores[choice.lr] < score <= scores[lr] + 1e-12 * (1 + abs(score))
    return choice


@pytest.mark.parametrize("tolerance", [0.0, 1e-2])
def test_with_batches_too_the_score_is_the_mean_over_all_steps(tolerance):
    X = np.random.default_rng(0).standard_normal((40, 2))
    problem = sr.problems.LeastSquares(X, X @ np.asarray([1.0, -2.0]))
    settings = {"steps": 100, "batch_size": 10, "tolerance": tolerance}
    check_against_search_to_the_end(problem, SGD, optimal_loss=0.0, grid=(0.03, 0.3), **settings)


@pytest.mark.parametrize("name", ["newton", "natural-gradient", "sofim", "heavy-ball"])
def test_trials_that_end_early_leave_the_winner_of_a_search_to_the_end(name):
    problem, method = sr.datasets.load("iris").train, sr.optimizers.REGISTRY[name]
    settings = {"steps": 12, "optimal_loss": problem.value(problem.optimum()), "grid": tuning.GRID[::2]}
    choice = check_against_search_to_the_end(problem, method, **settings, tolerance=1e-12)
    run = sr.minimize(problem, method.build(steps=12, lr=choice.lr), steps=12, tolerance=1e-12)
    assert choice.trace["loss"].tolist() == run["loss"].tolist()
    assert (choice.trace.status, choice.trace.optimizer) == (run.status, run.optimizer)
    if name == "newton":
        assert len(choice.ended_early) == len(choice.scores) - 1
        known = {row["lr"] for row in choice.to_rows() if row["mean_log10_gap"] is not None}
        assert known == {choice.lr} == {row["lr"] for row in choice.to_rows() if row["ended_after_steps"] is None}
        assert max(choice.ended_early.values()) <= 8


@pytest.mark.slow
@pytest.mark.parametrize("data", ["iris", "wine", "breast-cancer", "diabetes", "linnerud"])
@pytest.mark.parametrize("method", sr.optimizers.REGISTRY.values(), ids=lambda method: method.name)
def test_the_winner_is_that_of_a_search_to_the_end_for_every_method(method, data):
    problem = sr.datasets.load(data).train
    grid = tuning.GRID if "lr" in method.space else ()
    for batch_size in (None, 16) if grid else ():
        settings = {"steps": 20, "optimal_loss": problem.value(problem.optimum()), "batch_size": batch_size}
        check_against_search_to_the_end(problem, method, grid=grid, **settings)


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
