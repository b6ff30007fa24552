"""Policies that keep something: what they are invariant to, that they are saved and resumed, and what they refuse."""

from __future__ import annotations

import copy
import pickle

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from sofim_ref import Trace, minimize
from sofim_ref.convergence.replay import replay
from sofim_ref.optimizers import (
    SGD,
    SOFIM,
    Adam,
    GaussNewton,
    LevenbergMarquardt,
    NaturalGradient,
    SquaredGradient,
    SquaredMoment,
    TrustRadius,
)
from sofim_ref.problems import LogisticRegression, Quadratic, Rosenbrock

A, START = np.diag([1.0, 3.0]), np.asarray([3.0, 4.0])
POLICIES = [SquaredMoment(0.5), LevenbergMarquardt(0.5), TrustRadius(0.5)]


def run(optimizer, steps, matrix=A, start=START):
    """Return the points of a run."""
    problem, w = Quadratic(matrix, np.zeros(len(start))), start
    state, points = optimizer.init(w), []
    for _ in range(steps):
        w, state = optimizer.step(w, state, problem.oracle(w))
        points.append(w)
    return np.asarray(points)


RESCALED = {  # with the loss times a, SOFIM's η is times a, and ρ or its first value times a²
    "moment": lambda _: SquaredMoment(0.5),
    "ratio": lambda a: LevenbergMarquardt(0.5 * a**2),
    "radius": lambda _: TrustRadius(0.5),
}


@pytest.mark.parametrize("make", RESCALED.values(), ids=RESCALED)
@pytest.mark.parametrize("loss", [1e-3, 1e3])
def test_a_rescaled_loss_leaves_the_run(make, loss):
    expected = run(SOFIM(lr=0.3, rho=make(1.0)), 15)
    np.testing.assert_allclose(run(SOFIM(lr=0.3 * loss, rho=make(loss)), 15, loss * A), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: SquaredMoment(0.5),
        lambda c: LevenbergMarquardt(0.5 / c**2),
        lambda c: TrustRadius(0.5 * c, largest=10 * c),
    ],
)
def test_rescaled_parameters_rescale_the_run(make):
    expected = 7.0 * run(SOFIM(lr=0.3, rho=make(1.0)), 15)
    found = run(SOFIM(lr=0.3, rho=make(7.0)), 15, A / 49, 7 * START)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_rotated_parameters_rotate_the_run():
    Q = np.asarray([[0.6, -0.8], [0.8, 0.6]])
    for policy in POLICIES:
        matrix = Q @ A @ Q.T
        found = run(SOFIM(lr=0.3, rho=policy), 15, (matrix + matrix.T) / 2, Q @ START)
        np.testing.assert_allclose(found, run(SOFIM(lr=0.3, rho=policy), 15) @ Q.T, rtol=1e-8, atol=1e-8)


def test_without_a_mean_the_squared_moment_is_the_squared_gradient():
    found = run(SOFIM(rho=SquaredMoment(0.7), beta=0.0), 20)
    np.testing.assert_array_equal(found, run(SOFIM(rho=SquaredGradient(0.7), beta=0.0), 20))


def test_the_squared_moment_is_the_methods_own():
    optimizer, w = SOFIM(rho=SquaredMoment(0.5), beta=0.7), START
    problem, state = Quadratic(A, np.zeros(2)), optimizer.init(w)
    for _ in range(10):
        oracle = problem.oracle(w)
        following, choice = optimizer.precondition(state, oracle)
        assert choice.damping == pytest.approx(0.5 * choice.vector @ choice.vector, rel=1e-13)
        w, state = optimizer.step(w, state, oracle)
        np.testing.assert_array_equal(state.mean, following.mean)


def test_no_step_is_longer_than_the_radius():
    optimizer, w = SOFIM(lr=50.0, rho=TrustRadius(0.5)), START
    problem, state = Quadratic(A, np.zeros(2)), optimizer.init(w)
    for _ in range(30):
        radius = state.policy_radius
        following, state = optimizer.step(w, state, problem.oracle(w))
        assert np.linalg.norm(following - w) <= radius * (1 + 1e-12)
        w = following
    assert problem.value(w) < 1e-2 * problem.value(START)


def test_a_step_uphill_is_refused_and_changes_what_the_policy_keeps():
    w, problem = START, Quadratic(A, np.zeros(2))
    for policy, name, share in ((LevenbergMarquardt(1e-6), "number", 3.0), (TrustRadius(1e3), "radius", None)):
        optimizer = SOFIM(lr=1e5, rho=policy)
        before = optimizer.init(w)
        following, state = optimizer.step(w, before, problem.oracle(w))
        np.testing.assert_array_equal(following, w)
        kept = getattr(state, f"policy_{name}")
        assert kept == pytest.approx(share * 1e-6) if share else kept < 1e3
        assert state.step == 1


def test_the_ratio_rule_is_that_of_gauss_newton():
    rng = np.random.default_rng(0)
    problem = LogisticRegression(rng.standard_normal((20, 2)), rng.integers(0, 2, 20), l2=0.0)
    w0 = np.asarray([4.0, -4.0, 3.0])
    own = minimize(problem, GaussNewton(damping=2.0), steps=15, w0=w0)
    by = minimize(problem, NaturalGradient(lr=1.0, damping=LevenbergMarquardt(2.0)), steps=15, w0=w0)
    np.testing.assert_allclose(by["loss"], own["loss"], rtol=1e-10)
    assert by.state.policy_number == own.state.damping


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_a_run_is_saved_and_resumed_bit_for_bit_and_replayed(policy, tmp_path):
    problem, optimizer = Rosenbrock(), SOFIM(lr=0.3, rho=policy)
    whole = minimize(problem, optimizer, steps=12, store_points=True)
    minimize(problem, optimizer, steps=5).save(tmp_path / "run.npz")
    half = Trace.load(tmp_path / "run.npz")
    rest = minimize(problem, optimizer, steps=7, w0=half.w, state=half.state)
    np.testing.assert_array_equal(rest.w, whole.w)
    assert rest.state.step == 12
    assert [step.reason for step in replay(problem, optimizer, whole)] == [""] * 12
    for same in (pickle.loads(pickle.dumps(half.state)), copy.deepcopy(half.state)):
        np.testing.assert_array_equal(same.mean, half.state.mean)
        assert type(same) is type(half.state)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_under_jit(policy):
    jax = pytest.importorskip("jax")
    problem, optimizer = Quadratic(jax.numpy.asarray(A), jax.numpy.zeros(2)), SOFIM(lr=0.3, rho=policy)
    w = jax.numpy.asarray(START)
    state, traced = optimizer.init(w), []

    @jax.jit
    def step(w, state):
        traced.append(w)
        return optimizer.step(w, state, problem.oracle(w))

    for expected in run(optimizer, 5):
        w, state = step(w, state)
        np.testing.assert_allclose(w, expected, rtol=1e-4)
    assert len(traced) == 1  # compiled once: what the policy keeps is of one kind throughout
    following, _ = optimizer.step(w, state, problem.oracle(w))  # outside of jit, from what it returned
    np.testing.assert_allclose(following, step(w, state)[0], rtol=1e-4)


@pytest.mark.slow
def test_by_torch_the_run_is_the_same():
    torch = pytest.importorskip("torch")
    from sofim_ref.bridges import torch as bridge

    for policy in POLICIES:
        w = torch.nn.Parameter(torch.tensor(START))
        optimizer = bridge.optimizer(SOFIM(lr=0.3, rho=policy), [w])

        def loss(w=w, optimizer=optimizer):
            optimizer.zero_grad()
            value = 0.5 * w @ (torch.asarray(A) @ w)
            value.backward()
            return value

        for expected in run(SOFIM(lr=0.3, rho=policy), 5):
            optimizer.step(loss)
            np.testing.assert_allclose(w.detach().numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SquaredMoment(0.0), ValueError, "c must be a finite number > 0"),
        (lambda: LevenbergMarquardt(-1.0), ValueError, "first must be a finite number > 0"),
        (lambda: LevenbergMarquardt(factor=1.0), ValueError, r"factor must be a number > 1, got 1\.0"),
        (lambda: TrustRadius(0.0), ValueError, "radius must be a finite number > 0"),
        (lambda: TrustRadius(2.0, largest=1.0), ValueError, r"largest must be at least radius = 2\.0, got 1\.0"),
        (lambda: GaussNewton(damping=LevenbergMarquardt()), TypeError, "damping must be a number.*rule of its own"),
        (lambda: SGD(lr=0.1, weight_decay=TrustRadius()), TypeError, "weight_decay must be a finite number >= 0"),
        (lambda: Adam(epsilon=SquaredMoment()), TypeError, "epsilon must be a finite number > 0"),
    ],
)
def test_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_sofim_with_each_policy_over_100_steps_in_50_digits():
    eta, beta = mpf("0.0625"), mpf("0.5")
    H = np.asarray([mpf(1), mpf(3)])

    def loss(w):
        return (H * w).dot(w) / 2

    with mpmath.workdps(50):
        for policy in (SquaredMoment(0.5), LevenbergMarquardt(0.5, factor=2.0), TrustRadius(0.5, largest=4.0)):
            w, M = np.asarray([mpf(3), mpf(4)]), np.asarray([mpf(0), mpf(0)])
            kept = mpf("0.5")
            for t in range(1, 101):
                g = H * w
                M = beta * M + (1 - beta) * g
                m = M / (1 - beta**t)
                size = mpmath.sqrt(m.dot(m))
                rho = {
                    SquaredMoment: mpf("0.5") * size**2,
                    LevenbergMarquardt: kept,
                    TrustRadius: eta * size / kept,
                }[type(policy)]
                step = -eta * m / (rho + size**2)
                if not isinstance(policy, SquaredMoment):
                    predicted = -g.dot(step) - m.dot(step) ** 2 / (2 * eta)
                    rounding = 10 * mpf(2) ** -52 * loss(w)
                    fall = loss(w) - loss(w + step) + rounding
                    good = fall >= 0 and fall / (predicted + rounding) >= mpf("0.25")
                    high = fall / (predicted + rounding) > mpf("0.75")
                    length = mpmath.sqrt(step.dot(step))
                    if isinstance(policy, LevenbergMarquardt):
                        kept = (kept / 2 if high else kept) if good else kept * 2
                    else:
                        kept = (min(2 * kept, mpf(4)) if high else kept) if good else min(length, kept) / 4
                    step = step if fall >= 0 else 0 * step
                w = w + step
            found = run(SOFIM(lr=0.0625, rho=policy, beta=0.5), 100)[-1]
            np.testing.assert_allclose(found, w.astype(float), rtol=1e-10, atol=1e-10)
