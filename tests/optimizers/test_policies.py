"""Policies for ρ and damping: where they are taken, what they are invariant to, and who refuses them."""

from __future__ import annotations

import dataclasses

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf

from sofim_ref import Trace, minimize
from sofim_ref.convergence.replay import replay
from sofim_ref.optimizers import SGD, SOFIM, GaussNewton
from sofim_ref.optimizers.policies import GradientRoot, Scheduled, SquaredGradient
from sofim_ref.optimizers.schedules import Constant, StepDecay
from sofim_ref.problems import Quadratic

A, START = np.diag([1.0, 3.0]), np.asarray([3.0, 4.0])
scales = st.floats(0.1, 10.0)


def oracle(loss: float = 1.0, scale: float = 1.0, basis: np.ndarray | None = None):
    """Return an oracle at the start, of the loss times a number, in parameters times another, rotated by a basis."""
    Q = np.eye(2) if basis is None else basis
    matrix = loss / scale**2 * Q @ A @ Q.T
    return Quadratic((matrix + matrix.T) / 2, np.zeros(2)).oracle(scale * Q @ START)


def run(optimizer, steps: int, loss: float = 1.0):
    """Return the points of a run."""
    problem, w = Quadratic(loss * A, np.zeros(2)), START
    state, points = optimizer.init(w), []
    for _ in range(steps):
        w, state = optimizer.step(w, state, problem.oracle(w))
        points.append(w)
    return np.asarray(points)


@given(scales, scales, st.floats(0, 6))
def test_how_each_value_scales(loss, scale, angle):
    Q = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there = oracle(loss, scale, Q)
    squared, root = SquaredGradient(0.5), GradientRoot(2.0)
    assert squared.value(0, there) == pytest.approx(squared.value(0, oracle()) * (loss / scale) ** 2, rel=1e-12)
    expected = root.value(0, oracle()) * loss / scale**2
    assert GradientRoot(2.0 * loss / scale**3).value(0, there) == pytest.approx(expected, rel=1e-12)
    assert Scheduled(Constant(0.5)).value(0, there) == 0.5


@given(scales)
def test_a_rescaled_loss_leaves_the_run_of_sofim_with_the_squared_gradient(loss):
    rescaled = run(SOFIM(lr=0.3 * loss, rho=SquaredGradient(1.0)), 20, loss)
    np.testing.assert_allclose(rescaled, run(SOFIM(lr=0.3, rho=SquaredGradient(1.0)), 20), rtol=1e-9, atol=1e-9)


def test_a_constant_policy_is_the_number():
    np.testing.assert_array_equal(run(SOFIM(rho=Scheduled(Constant(0.5))), 20), run(SOFIM(rho=0.5), 20))


def test_in_place_takes_the_plain_step():
    optimizer, w = SOFIM(rho=SquaredGradient()), START.copy()
    found, _ = optimizer.step(w, optimizer.init(w), oracle(), inplace=True)
    np.testing.assert_array_equal(found, run(optimizer, 1)[0])


def test_a_vanishing_gradient_leaves_a_number_above_zero():
    assert SquaredGradient().value(0, Quadratic(A, np.zeros(2)).oracle(np.zeros(2))) == 1e-30


@pytest.mark.parametrize("size", [1e-25, 1e-8, 1e10, 1e25])
def test_squares_of_float32_neither_underflow_nor_overflow(size):
    there = Quadratic(np.eye(1, dtype=np.float32), np.zeros(1, dtype=np.float32)).oracle(np.asarray([size], np.float32))
    expected = min(max(size**2, 1e-30), 1e30)
    assert SquaredGradient().value(0, there) == pytest.approx(expected, rel=1e-6)
    assert GradientRoot(size).value(0, there) == pytest.approx(size, rel=1e-6)


@pytest.mark.slow
def test_under_jit():
    jax = pytest.importorskip("jax")
    problem, optimizer = Quadratic(jax.numpy.asarray(A), jax.numpy.zeros(2)), SOFIM(rho=SquaredGradient())
    w = jax.numpy.asarray(START)
    found = jax.jit(lambda w, state: optimizer.step(w, state, problem.oracle(w))[0])(w, optimizer.init(w))
    np.testing.assert_allclose(found, run(optimizer, 1)[0], rtol=1e-6)


@pytest.mark.parametrize("make", [lambda p: GaussNewton(damping=p), lambda p: SGD(lr=0.1, weight_decay=p)])
def test_refused_by_name(make):
    with pytest.raises(TypeError, match=r"must be a (finite )?number"):
        make(SquaredGradient())


def test_a_schedule_must_give_a_positive_number():
    with pytest.raises(ValueError, match="rho must be a finite number > 0"):
        run(SOFIM(rho=Scheduled(lambda step: -1.0 - step)), 1)


def test_policies_are_dataclasses_that_compare():
    assert dataclasses.replace(SquaredGradient(1.0), c=2.0) == SquaredGradient(2.0)


def test_sofim_with_each_policy_over_100_steps_in_50_digits():
    policies = {
        SquaredGradient(0.7): lambda g, _: mpf("0.7") * g.dot(g),
        GradientRoot(0.7): lambda g, _: mpmath.sqrt(mpf("0.7") * mpmath.sqrt(g.dot(g))),
        Scheduled(StepDecay(0.5, every=10, factor=0.5)): lambda _, t: mpf("0.5") * mpf("0.5") ** (t // 10),
    }
    with mpmath.workdps(50):
        for policy, rho in policies.items():
            w, M = np.asarray([mpf(3), mpf(4)]), np.asarray([mpf(0), mpf(0)])
            for t in range(100):
                g = np.asarray([w[0], 3 * w[1]])
                M = mpf("0.5") * M + mpf("0.5") * g
                moment = M / (1 - mpf("0.5") ** (t + 1))
                w = w - mpf("0.0625") * moment / (rho(g, t) + moment.dot(moment))
            found = run(SOFIM(lr=0.0625, rho=policy, beta=0.5), 100)[-1]
            np.testing.assert_allclose(found, w.astype(float), rtol=1e-10, atol=1e-10)


def test_a_saved_run_is_replayed_with_the_numbers_of_the_policy(tmp_path):
    problem, optimizer = Quadratic(A, np.zeros(2)), SOFIM(lr=0.3, rho=SquaredGradient())
    trace = minimize(problem, optimizer, w0=START, steps=5, store_points=True)
    trace.save(tmp_path / "run.npz")
    steps = list(replay(problem, optimizer, Trace.load(tmp_path / "run.npz")))
    assert [step.reason for step in steps] == [""] * 5
    for step in steps:
        assert step.matrix.shift == pytest.approx(float(step.oracle.gradient() @ step.oracle.gradient()), rel=1e-12)
