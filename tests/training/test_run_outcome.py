"""How a run is told that ended above its start: DIVERGED where that is far, WRONG_GRADIENT where the gradient lies."""

import math
import re

import numpy as np
import pytest
from cases import data

from sofim_ref import SGD, SOFIM, Adam, Newton, Status, arrays, minimize
from sofim_ref.problems import Function, LeastSquares, LogisticRegression, MLPClassifier, Quadratic, Rosenbrock

X, SCORE, LABEL, CLASS = data()
BOWL = np.diag([1.0, 4.0, 9.0])


def bowl(sign=1.0, unit=1.0, shift=0.0):
    """A quadratic in any unit, its gradient with any factor."""
    return Function(3, lambda w: unit * (w @ BOWL @ w / 2 + shift), lambda w: sign * unit * (BOWL @ w))


# ---------------------------------------------------------------------------- far above the start


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("shift", [-100.0, 0.0, 100.0])
def test_a_finite_loss_far_above_the_start_is_divergence_in_any_unit(unit, shift):
    trace = minimize(bowl(unit=unit, shift=shift), SGD(lr=0.5 / unit), steps=40, w0=np.ones(3))
    assert np.isfinite(trace["loss"]).all()
    assert trace.status is Status.DIVERGED
    assert re.search(
        r"^The loss rose from \S+ at the start to \S+ at the end, by more than 10 times its own", trace.message
    )
    assert trace.state.step == 40  # what is returned is where it ended


@pytest.mark.parametrize("l2", [0.0, 0.01, 0.1])
def test_bounded_steps_that_lead_far_away_are_divergence_too(xp, l2):
    problem = LogisticRegression(xp.asarray(X), xp.asarray(LABEL), l2=l2)
    trace = minimize(problem, SOFIM(lr=1e6), steps=30)
    assert 1e3 * trace["loss"][0] < trace["loss"][-1] < np.inf
    assert trace.status is Status.DIVERGED


@pytest.mark.parametrize(
    ("problem", "optimizer", "steps"),
    [
        (LogisticRegression(X, LABEL), SOFIM(lr=1e3), 9),
        (LogisticRegression(10 * X, LABEL), SGD(lr=100.0), 9),
        (Rosenbrock(), Adam(lr=10.0), 30),
    ],
)
def test_a_loss_two_digits_above_the_start_is_divergence(problem, optimizer, steps):
    trace = minimize(problem, optimizer, steps=steps)
    assert 50 * trace["loss"][0] < trace["loss"][-1] < 1e3 * trace["loss"][0]
    assert trace.status is Status.DIVERGED
    assert f"from {trace['loss'][0]:.6g} at the start to {trace['loss'][-1]:.6g} at the end" in trace.message


def test_a_point_that_is_no_number_is_told_from_a_loss_far_above_the_start():
    trace = minimize(bowl(), SGD(lr=10.0), steps=1000, w0=np.ones(3))
    assert trace.status is Status.DIVERGED
    last = trace.records[-1]
    assert f"stopped being finite after step {last.step}, the last on record" in trace.message
    assert f"there the loss is {last.loss:.6g}, at the start 7" in trace.message


@pytest.mark.parametrize("seed", range(4))
def test_the_noise_of_batches_and_momentum_s_overshoot_are_no_divergence(seed):
    """From a minimum that Newton's method finds, and from the initial point, with steps as long as they may be."""
    problem = LeastSquares(X, SCORE, l2=0.01)
    for w0 in (minimize(problem, Newton(), steps=3).w, None):
        for optimizer in (SGD(lr=0.2), Adam(lr=0.5), SOFIM(lr=0.5)):
            trace = minimize(problem, optimizer, steps=7, batch_size=2, seed=seed, w0=w0)
            assert trace.status is Status.BUDGET_SPENT, trace.message


def test_a_start_at_a_minimum_that_a_method_leaves_for_its_noise_floor_is_no_divergence():
    design = np.column_stack([X, np.ones(len(X))])
    w = np.linspace(-1, 1, 4)
    fitted = LeastSquares(X, design @ w)  # a loss of 0 at w
    trace = minimize(fitted, Adam(lr=0.3), steps=5, w0=w + 1e-10)
    assert trace["loss"][-1] > 1e3 * trace["loss"][0]
    assert trace.status is Status.BUDGET_SPENT
    minimum = minimize(LogisticRegression(X, LABEL, l2=0.01), Newton(), steps=20).w
    trace = minimize(LogisticRegression(X, LABEL, l2=0.01), SGD(lr=0.5), steps=60, batch_size=2, w0=minimum)
    assert trace["loss"][-1] > trace["loss"][0]
    assert trace.status is Status.BUDGET_SPENT


@pytest.mark.parametrize("shift", [0.0, -1e-9, -7.0])
def test_a_loss_that_starts_at_zero_or_below_is_judged_by_the_scale_it_has_elsewhere(shift):
    """At w = 0 the loss is `shift`, and a step three times as long as it should be takes it somewhat up."""
    tilted = Function(2, lambda w: w @ w / 2 - w[0] + shift, lambda w: w - np.asarray([1.0, 0.0]))
    trace = minimize(tilted, SGD(lr=2.1), steps=4, w0=np.zeros(2))
    assert trace["loss"][-1] > trace["loss"][0] + 0.2
    assert trace.status is Status.BUDGET_SPENT


def test_a_run_that_ends_below_its_start_costs_no_further_loss():
    counted = bowl()
    asked = []
    plain = counted._value
    counted._value = lambda w: asked.append(1) or plain(w)
    trace = minimize(counted, SGD(lr=0.1), steps=5, w0=np.ones(3))
    assert len(asked) == len(trace) == 6


# ---------------------------------------------------------------------------- a gradient that isn't the loss's


@pytest.mark.parametrize("lr", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("optimizer", [SGD, SOFIM, Adam], ids=lambda made: made.__name__)
def test_a_sign_error_is_named_with_the_remedy(xp, optimizer, lr):
    matrix = xp.asarray(BOWL)
    wrong = Function(3, lambda w: w @ matrix @ w / 2, lambda w: -(matrix @ w))
    trace = minimize(wrong, optimizer(lr=lr), steps=30, w0=xp.asarray(np.ones(3)))
    assert trace.status is Status.WRONG_GRADIENT
    assert trace.status.failed
    assert "check_gradient(problem, w)" in trace.status.message
    assert np.isfinite(arrays.to_numpy(trace.w)).all()


def test_a_loss_that_raises_outside_its_domain_is_asked_within_it():
    """−log w rises to the left; the wrong sign leads there, and past 0 the logarithm raises."""
    barrier = Function(1, lambda w: -math.log(w[0]), lambda w: 1 / w)
    trace = minimize(barrier, SGD(lr=0.1), steps=3, w0=np.ones(1))
    assert trace.status is Status.WRONG_GRADIENT
    right = Function(1, lambda w: math.log(w[0]), lambda w: 1 / w)
    assert minimize(right, SGD(lr=0.1), steps=3, w0=np.ones(1)).status is Status.BUDGET_SPENT


def test_a_sign_error_that_ends_in_infinity_is_named_too():
    trace = minimize(bowl(sign=-1.0), SGD(lr=10.0), steps=1000, w0=np.ones(3))
    assert trace.status is Status.WRONG_GRADIENT
    assert len(trace) < 1000


@pytest.mark.parametrize("shift", [-1e6, 1e6, 1e12])
def test_rounding_is_not_taken_for_a_wrong_gradient(shift):
    """Beside a loss so large the slope is lost in rounding; what then is seen to rise is no evidence."""
    trace = minimize(bowl(shift=shift), SGD(lr=0.5), steps=8, w0=np.full(3, 1e-4))
    assert trace["loss"][-1] >= trace["loss"][0]
    assert trace.status is Status.BUDGET_SPENT


@pytest.mark.parametrize("seed", range(8))
def test_right_gradients_are_never_blamed(seed):
    problems = (
        LeastSquares(X, SCORE, l2=0.01),
        LogisticRegression(X, LABEL, l2=0.01),
        MLPClassifier(X, CLASS, hidden=(3,), activation="relu"),
        Quadratic(BOWL, np.ones(3)),
    )
    for problem in problems:
        for optimizer in (SGD(lr=30.0), SOFIM(lr=1e3), Adam(lr=30.0)):
            trace = minimize(problem, optimizer, steps=6, seed=seed)
            assert trace.status in (Status.DIVERGED, Status.BUDGET_SPENT)


def test_a_wrong_gradient_that_a_method_survives_is_not_asked_after():
    factor_two = minimize(bowl(sign=2.0), SGD(lr=0.05), steps=20, w0=np.ones(3))
    assert factor_two.status is Status.BUDGET_SPENT


def flipped(problem, component=-1):
    """The problem's loss with the sign of one component of its gradient wrong."""
    signs = np.ones(problem.dim)
    signs[component] = -1.0
    return Function(problem.dim, problem.value, lambda w: problem.gradient(w) * signs)


def swapped(problem):
    """The problem's loss with the first two components of its gradient in each other's place."""
    order = np.arange(problem.dim)
    order[:2] = 1, 0
    return Function(problem.dim, problem.value, lambda w: problem.gradient(w)[order])


WAVY = Function(3, lambda w: w @ w / 2 + np.sin(w).sum(), lambda w: w + np.cos(w))
PARTLY_WRONG = {
    "one sign, wavy bowl": (flipped(WAVY), (0.3, 1.0, 2.0)),
    "one sign, logistic": (flipped(LogisticRegression(X, LABEL, l2=0.1)), (1.0, -1.0, 0.5, 1.0)),
    "two swapped, logistic": (swapped(LogisticRegression(X, LABEL, l2=0.1)), (1.0, -1.0, 0.5, 1.0)),
}


@pytest.mark.parametrize("optimizer", [SGD(lr=0.1), SOFIM(), Adam(lr=0.1)], ids=lambda made: type(made).__name__)
@pytest.mark.parametrize("mistake", PARTLY_WRONG)
def test_a_component_that_is_wrong_is_told_where_the_run_has_led(mistake, optimizer):
    """At the start the right components outweigh the wrong one; at the end they are small, and it isn't."""
    problem, w0 = PARTLY_WRONG[mistake]
    trace = minimize(problem, optimizer, steps=100, w0=np.asarray(w0))
    assert trace["loss"][-1] > trace["loss"][0] + 1e-3
    assert trace.status is Status.WRONG_GRADIENT
