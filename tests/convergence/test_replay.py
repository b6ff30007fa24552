"""A run's steps, computed again: C, v and η, and why a step isn't w − η C⁻¹ g."""

import numpy as np
import pytest
from known_loss import EPS

import sofim_ref as sr
from sofim_ref.convergence import replay
from sofim_ref.convergence.replay import ELSEWHERE, SINGULAR, UNDECLARED, differ
from sofim_ref.optimizers import Preconditioned
from sofim_ref.problems import Quadratic

PROBLEM = Quadratic(np.diag([1.0, 3.0]), np.zeros(2))
W, FOLLOWING = np.asarray([3.0, 4.0]), np.asarray([1.5, -2.0])


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
    ("share", "moved", "reason"), [(1e-9, 0.0, UNDECLARED), (0.0, 4e-8, ELSEWHERE), (0.0, 1e-9, "")]
)
def test_what_is_rounding_is_measured_by_the_gradient_and_by_the_step(share, moved, reason):
    """A step of length 1.2, of which √eps are 1.9e-8, from a point of length 5."""

    class Almost(sr.SGD):
        def precondition(self, state, oracle):
            state, choice = super().precondition(state, oracle)
            return state, Preconditioned(choice.matrix, choice.vector * (1 + share))

    following = W - 0.1 * PROBLEM.gradient(W) + [moved, 0.0]
    assert [step.reason for step in replay(PROBLEM, Almost(lr=0.1), [W, following])] == [reason]


def test_what_is_no_sequence_of_points_is_refused():
    with pytest.raises(TypeError, match="points must be a Trace or a sequence of points, got 3"):
        list(replay(PROBLEM, sr.SGD(), 3))


def test_a_solve_by_iteration_that_is_exact_enough_is_a_solve():
    newton = sr.NewtonCG(tolerance=1e-12, line_search=False)
    trace = sr.minimize(PROBLEM, newton, steps=1, w0=W, store_points=True)
    assert [step.reason for step in replay(PROBLEM, newton, trace)] == [""]
