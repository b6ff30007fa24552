"""A run's steps, computed again: C, v and η, and why a step isn't known to be w − η (C⁻¹v + κw)."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from cases import data
from known_loss import EPS

import sofim_ref as sr
from sofim_ref.convergence import replay
from sofim_ref.convergence.replay import ELSEWHERE, SINGULAR, UNDECLARED, differ
from sofim_ref.matrices import ScaledIdentity
from sofim_ref.optimizers import Averaging, Preconditioned
from sofim_ref.problems import LeastSquares, LogisticRegression, Quadratic

PROBLEM = Quadratic(np.diag([1.0, 3.0]), np.zeros(2))
W, FOLLOWING = np.asarray([3.0, 4.0]), np.asarray([1.5, -2.0])


def logistic(dtype="float64"):
    X, _, label, _ = data()
    return LogisticRegression(X.astype(dtype), label, l2=0.01)


@pytest.mark.parametrize(
    ("x", "y", "scale", "do"),
    [
        (1 + 8 * EPS, 1.0, 0.0, False),
        (1 + 9 * EPS, 1.0, 0.0, True),
        (2.0**-24, 0.0, 4.0, False),
        (2.0**-23.9, 0.0, 4.0, True),
    ],
)
def test_a_point_differs_from_another_by_more_than_its_rounding_and_half_the_digits_of_a_step(x, y, scale, do):
    assert differ(*(np.asarray([number]) for number in (x, y)), scale=np.asarray([scale])) == do


def test_a_step_is_replayed_with_the_rate_of_its_schedule():
    optimizer = sr.SGD(lr=lambda step: 0.5 / (1 + step))
    trace = sr.minimize(PROBLEM, optimizer, steps=3, w0=W, store_points=True)
    steps = list(replay(PROBLEM, optimizer, trace))
    assert [(step.rate, step.reason) for step in steps] == [(0.5, ""), (0.25, ""), (0.5 / 3, "")]
    for step in steps:
        np.testing.assert_allclose(step.oracle.w - step.rate * step.direction, step.following, rtol=1e-15)


def test_a_singular_matrix_has_no_direction_and_the_run_goes_on():
    problem, newton = Quadratic(np.diag([1.0, 0.0]), np.zeros(2)), sr.Newton(lambda step: 1 / (1 + step))
    steps = list(replay(problem, newton, [W, FOLLOWING, W]))
    assert [(step.rate, step.reason) for step in steps] == [(1.0, SINGULAR), (0.5, SINGULAR)]
    assert np.isnan([step.direction for step in steps]).all()


def test_a_method_that_learns_from_its_steps_learns_from_those_of_the_run_weight_decay_included():
    optimizer = sr.optimizers.LBFGS(lr=0.1, line_search=False, weight_decay=0.5)
    trace = sr.minimize(PROBLEM, optimizer, steps=2, w0=W, store_points=True)
    *_, last = replay(PROBLEM, optimizer, trace)
    np.testing.assert_allclose(last.matrix.steps[-1], trace.points[1] - trace.points[0], rtol=1e-14)
    assert (last.reason, last.decay) == ("", 0.5)


@pytest.mark.parametrize(
    ("share", "moved", "reason"),
    [(1e-9, 0.0, UNDECLARED), (1e-9, 1.0, UNDECLARED), (0.0, 4e-8, ELSEWHERE), (0.0, 1e-9, "")],
)
def test_what_is_rounding_is_measured_by_the_gradient_and_by_the_step(share, moved, reason):
    """A step of length 1.2, of which √eps are 1.9e-8, from a point of length 5."""

    class Almost(sr.SGD):
        def precondition(self, state, oracle):
            state, choice = super().precondition(state, oracle)
            return state, Preconditioned(choice.matrix, choice.vector * (1 + share))

    following = W - 0.1 * PROBLEM.gradient(W) + [moved, 0.0]
    assert [step.reason for step in replay(PROBLEM, Almost(lr=0.1), [W, following])] == [reason]


@dataclass(frozen=True)
class Averaged(sr.optimizers.Optimizer[sr.optimizers.SGDState]):
    """A method of one's own: C = I, v a mean of the gradients."""

    lr: float = 0.1
    declared: Any = None

    def init(self, w):
        return sr.SGD().init(w)

    def precondition(self, state, oracle):
        m = 0.5 * state.moment + 0.5 * oracle.gradient()
        return replace(state, step=state.step + 1, moment=m), Preconditioned(ScaledIdentity(1.0, m), m)

    def averaging(self, t):
        return super().averaging(t) if self.declared is None else self.declared


def reasons_of(problem, optimizer, points, **given):
    return {step.reason for step in replay(problem, optimizer, points, **given)}


def test_a_moment_of_your_own_is_declared_in_a_line():
    mean = Averaging.mean(0.5, 1, bias_correction=False)
    points = sr.minimize(PROBLEM, Averaged(), steps=5, w0=W, store_points=True).points
    assert reasons_of(PROBLEM, Averaged(), points) == {UNDECLARED}
    assert reasons_of(PROBLEM, Averaged(declared=mean), points) == {""}
    assert reasons_of(PROBLEM, Averaged(declared=replace(mean, kept=0.5 + 1e-13)), points) == {"", UNDECLARED}


def test_a_declaration_that_is_none_is_refused():
    remedy = r"sofim_ref\.optimizers\.Averaging\.mean\(beta, t\) is one"
    with pytest.raises(TypeError, match=rf"Averaged\.averaging\(1\) returns must be an Averaging, got 0\.9: {remedy}"):
        list(replay(PROBLEM, Averaged(declared=0.9), [W, FOLLOWING]))


METHODS = [
    sr.SGD(lr=0.1, momentum=0.9, nesterov=True),
    sr.SOFIM(lr=0.3),
    sr.SOFIM(lr=0.3, beta=0.9999, bias_correction=False, weight_decay=0.1),
    sr.SOFIM(lr=0.1, vector="gradient"),
    sr.optimizers.AdamW(lr=0.1, beta1=0.9999),
    sr.optimizers.TAdam(lr=0.01, steps=25, beta1=0.9999),
    sr.optimizers.LBFGS(weight_decay=0.01),
    sr.Newton(lr=64.0, weight_decay=0.01),
    sr.NewtonCG(tolerance=0.4),
    sr.optimizers.GaussNewton(lr=8.0),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", METHODS, ids=repr)
def test_moments_decay_minibatches_line_searches_and_solves_by_iteration_are_replayed(optimizer, dtype):
    problem = logistic(dtype)
    trace = sr.minimize(problem, optimizer, epochs=5, batch_size=5, record_every=1, store_points=True)
    steps = list(replay(problem, optimizer, trace))
    assert [step.reason for step in steps] == [""] * 25
    for t, (step, rows) in enumerate(zip(steps, trace.batches, strict=True), start=1):
        w, end = step.oracle.w, step.oracle.w - step.rate * (step.direction + step.decay * step.oracle.w)
        assert step.oracle.batch is rows
        assert step.averaging == optimizer.averaging(t)
        assert np.linalg.norm(step.following - end) <= 4 * np.finfo(dtype).eps * np.linalg.norm(w)


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [(sr.Newton(lr=4.0), 1.0), (sr.optimizers.GaussNewton(lr=4.0, damping=1e-12), 0.0)],
    ids=["halved", "refused"],
)
def test_the_rate_is_what_the_line_search_left_of_it_and_zero_where_the_step_was_refused(optimizer, rate):
    """Both steps are exact on a least-squares loss, so that twice and four times their length come no lower."""
    X, score, _, _ = data()
    problem = LeastSquares(X, score, l2=0.01)
    trace = sr.minimize(problem, optimizer, steps=1, store_points=True)
    (step,) = replay(problem, optimizer, trace)
    assert (step.rate, step.reason) == (rate, "")


def test_a_line_search_goes_along_the_whole_step_weight_decay_included():
    """From 1 the whole step is 1.9 lr: with lr = 1.5 it ends at −1.85, where the loss is larger; without decay, not."""
    problem, newton = Quadratic(np.eye(1), np.zeros(1)), sr.Newton(lr=1.5, weight_decay=0.9)
    trace = sr.minimize(problem, newton, steps=1, w0=np.ones(1), store_points=True)
    (step,) = replay(problem, newton, trace)
    assert (step.rate, step.reason) == (0.75, "")


def test_a_minibatch_s_step_replayed_on_all_examples_is_elsewhere_and_batches_may_be_given():
    problem, sgd = logistic(), sr.SGD(lr=0.5)
    trace = sr.minimize(problem, sgd, epochs=1, batch_size=5, record_every=1, store_points=True)
    assert reasons_of(problem, sgd, trace.points) == {ELSEWHERE}
    assert reasons_of(problem, sgd, trace.points, batches=list(trace.batches)) == {""}
    assert reasons_of(problem, sgd, trace, batches=trace.batches[::-1]) == {ELSEWHERE, ""}  # the third of five stays


def test_a_run_that_went_on_is_replayed_from_its_start():
    problem, sofim = logistic(), sr.SOFIM(lr=0.5)
    settings = {"steps": 4, "batch_size": 5, "record_every": 1, "store_points": True}
    first = sr.minimize(problem, sofim, **settings)
    second = sr.minimize(problem, sofim, w0=first.w, state=first.state, **settings)
    with pytest.raises(ValueError, match=r"must hold every step from the first on: .*, and no state"):
        list(replay(problem, sofim, second))
    points, batches = first.points + second.points[1:], first.batches + second.batches
    assert reasons_of(problem, sofim, points, batches=batches) == {""}


@pytest.mark.slow_on("jax")
def test_a_run_on_minibatches_is_saved_loaded_and_replayed(xp, tmp_path):
    X, _, label, _ = data()
    problem, sofim = LogisticRegression(xp.asarray(X), xp.asarray(label), l2=0.01), sr.SOFIM(lr=0.5)
    trace = sr.minimize(problem, sofim, steps=4, batch_size=10, record_every=1, store_points=True)
    trace.save(tmp_path / "run.npz")
    same = sr.Trace.load(tmp_path / "run.npz", like=trace.w)
    assert [rows.shape[0] for rows in same.batches] == [10, 10, 4, 10]
    assert reasons_of(problem, sofim, same) == {""}


@pytest.mark.parametrize(
    ("batches", "error", "message"),
    [
        (5, TypeError, "batches must be a sequence of arrays of row numbers, as Trace.batches is, got 5"),
        ([], ValueError, "batches must have one array of row numbers a step, 1 for 2 points, got 0"),
        ([np.arange(3)] * 2, ValueError, "batches must have one array of row numbers a step, 1 for 2 points, got 2"),
        ([[0, 1]], TypeError, r"batches\[0\] must be an integer array, got .*list.*: pass np.asarray\(batches\[0\]\)"),
        ([np.ones(2)], TypeError, r"batches\[0\] must have an integer dtype, got float64"),
        ([np.asarray([0, 24])], ValueError, r"batches\[0\] must have row numbers from 0 to 23, got 24"),
        ([np.asarray([-1])], ValueError, r"batches\[0\] must have row numbers from 0 to 23, got -1"),
    ],
)
def test_batches_that_are_not_one_a_step_are_refused(batches, error, message):
    problem = logistic()
    with pytest.raises(error, match=message):
        list(replay(problem, sr.SGD(), [np.zeros(4), np.ones(4)], batches=batches))


def test_what_is_no_sequence_of_points_is_refused():
    with pytest.raises(TypeError, match="points must be a Trace or a sequence of points, got 3"):
        list(replay(PROBLEM, sr.SGD(), 3))


def test_a_solve_by_iteration_that_is_exact_enough_is_a_solve():
    newton = sr.NewtonCG(tolerance=1e-12, line_search=False)
    trace = sr.minimize(PROBLEM, newton, steps=1, w0=W, store_points=True)
    assert [step.reason for step in replay(PROBLEM, newton, trace)] == [""]
