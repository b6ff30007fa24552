"""The experiments' numbers, computed again from their formulas."""

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.convergence import experiments, order_of_convergence
from sofim_ref.problems import LogisticRegression, MLPRegressor, Quadratic


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    return LogisticRegression(X, X[:, 0] > rng.standard_normal(40), l2=1e-2)


@pytest.mark.parametrize("steps", [30, 200])  # it ends before the floor, or goes down to it
@pytest.mark.parametrize(("lr", "slow"), [(None, 0), (0.4, 0), (0.48, 3)])
def test_the_tail_begins_along_the_slow_eigenvector(steps, lr, slow):
    eigenvalues, rho, far = np.array([0.2, 0.21, 1.94, 2.0]), 0.5, 1e-2
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    A = (Q * eigenvalues) @ Q.T
    found = experiments.tail_rate(Quadratic((A + A.T) / 2, np.zeros(4)), rho, lr=lr, far=far, steps=steps)
    eta = found.lr
    assert eta == pytest.approx(lr or rho / 2, rel=1e-12)
    offset = np.where(np.arange(4) == slow, 1.0, 0.1)
    offsets = [far * offset / np.linalg.norm(offset)]
    for _ in range(steps):
        g = eigenvalues * offsets[-1]
        offsets.append(offsets[-1] - eta * g / (rho + g @ g))
    tail = order_of_convergence(np.linalg.norm(offsets, axis=1), order=1, floor=1e-9 * far)
    assert found.measured == pytest.approx(tail.rate, rel=1e-9)
    assert found.predicted == pytest.approx(abs(1 - eta * eigenvalues[slow] / rho), rel=1e-12)


def test_lengths_and_spacing_are_those_of_the_steps_around_the_longest():
    eigenvalues, w, rho, lr = np.array([1.0, 5.0]), np.array([2.0, 1.0]), 2.0, 0.3
    gradients = [eigenvalues * w]
    for _ in range(60):
        w = w - lr * gradients[-1] / (rho + gradients[-1] @ gradients[-1])
        gradients.append(eigenvalues * w)
    norms = np.linalg.norm(gradients, axis=1)[:-1]
    lengths = lr * norms / (rho + norms**2)
    longest = int(np.argmax(lengths))
    problem = Quadratic(np.diag(eigenvalues), np.zeros(2))
    found = experiments.redescent(problem, np.array([2.0, 1.0]), rho=rho, lr=lr, steps=60)
    np.testing.assert_allclose(found.gradient_norms, norms, rtol=1e-12)
    np.testing.assert_allclose(found.step_norms, lengths, rtol=1e-12)
    assert found.crossover == found.gradient_norms[longest]
    assert found.spacing == pytest.approx(max(abs(norms[longest] - norms[[longest - 1, longest + 1]])), rel=1e-9)
    assert found.predicted == pytest.approx(2**0.5)


def test_the_longest_step_may_be_the_second_or_the_last_but_one():
    problem, w0 = Quadratic(np.eye(1), np.zeros(1)), np.array([2.0])
    whole = experiments.redescent(problem, w0, rho=1.0, lr=0.1, steps=40)
    longest = int(np.argmax(whole.step_norms))
    last_but_one = experiments.redescent(problem, w0, rho=1.0, lr=0.1, steps=longest + 2)
    assert last_but_one.crossover == whole.crossover
    with pytest.raises(ValueError, match="from 2 to "):
        experiments.redescent(problem, w0, rho=1.0, lr=0.1, steps=longest + 1)
    second, first = whole.gradient_norms[longest - 1 :][:2, None]
    assert experiments.redescent(problem, second, rho=1.0, lr=0.1, steps=20).crossover == whole.crossover
    with pytest.raises(ValueError, match="the run must cross"):
        experiments.redescent(problem, first, rho=1.0, lr=0.1, steps=20)


def test_steps_start_at_each_distance_in_the_direction_that_the_seed_draws(problem):
    class Recorded(sr.SGD):
        def step(self, w, state, oracle, **options):
            starts.append(w)
            return super().step(w, state, oracle, **options)

    starts, target, distances = [], problem.optimum() + 1.0, [0.5, 2.0]
    found = experiments.steps_from_distances(problem, Recorded(lr=0.3), distances, optimum=target, seed=3)
    direction = np.random.default_rng(3).standard_normal(problem.dim)
    direction /= np.linalg.norm(direction)
    np.testing.assert_allclose(starts, [target + distance * direction for distance in distances], rtol=1e-12)
    assert [len(one.error) for one in found] == [1, 1]


def test_newtons_order_is_of_full_steps_even_where_they_lead_too_far(problem):
    distances, target = [10.0, 7.0, 5.0], problem.optimum()
    direction = np.random.default_rng(0).standard_normal(problem.dim)
    before = [problem.oracle(target + d * direction / np.linalg.norm(direction)) for d in distances]
    points = [at.w - np.linalg.solve(at.hessian(), at.gradient()) for at in before]
    assert all(problem.oracle(w).value() > at.value() for w, at in zip(points, before, strict=True))
    after = [np.linalg.norm(w - target) for w in points]
    line = np.polyfit(np.log(distances), np.log(after), 1)
    found = experiments.newton_order(problem, distances=distances)
    assert [found.order, found.rate] == pytest.approx([line[0], np.exp(line[1])], rel=1e-9)


def test_what_is_near_and_far_is_a_tenth_of_the_floor_and_ten_floors(problem):
    damping = 1e-5
    floor = experiments.damped_orders(problem, damping, distances=np.geomspace(0.1, 1e-9, 16)).floor
    multiples = [100, 20, 10.4, 9.6, 0.9, 0.104, 0.096, 0.08, 0.06, 0.05, 0.03, 0.01, 1e-4]
    found = experiments.damped_orders(problem, damping, distances=[floor * multiple for multiple in multiples])
    assert found.floor == pytest.approx(floor, rel=0.02)
    for side, part in ((slice(0, 3), found.far), (slice(9, 13), found.near)):  # of 7 near ones, the last half
        line = np.polyfit(np.log(found.error[side]), np.log(found.next_error[side]), 1)
        assert [part.order, part.rate] == pytest.approx([line[0], np.exp(line[1])], rel=1e-9)
    steps = experiments.steps_from_distances(problem, sr.NaturalGradient(lr=1.0, damping=damping), [floor * 1e-4])
    assert found.xi1 == steps[0].xi1[0]


@pytest.mark.parametrize("steps", [6, 7])
def test_a_floor_is_the_root_mean_square_of_the_second_half(problem, steps):
    ratios, rho, beta = [0.2, 0.5], 3.0, 0.5
    found = experiments.noise_floors(problem, ratios, rho=rho, batch_size=5, steps=steps, beta=beta, seed=4)
    floors = []
    for ratio in ratios:
        rng, w, M, errors = np.random.default_rng(4), problem.optimum(), 0.0, []
        for t in range(1, steps + 1):
            M = beta * M + (1 - beta) * problem.oracle(w, rng.integers(problem.size, size=5)).gradient()
            m = M / (1 - beta**t)
            w = w - ratio * rho * m / (rho + m @ m)
            errors.append(np.linalg.norm(w - problem.optimum()))
        floors.append(np.sqrt(np.mean(np.square(errors[-(steps // 2) :]))))
    np.testing.assert_allclose(found.floors, floors, rtol=1e-9)
    np.testing.assert_array_equal(found.ratios, ratios)
    assert found.exponent == pytest.approx(np.log(floors[1] / floors[0]) / np.log(0.5 / 0.2), rel=1e-9)


def test_the_errors_of_a_quasi_newton_run_are_distances_from_the_optimum(problem):
    w0 = problem.optimum() + 1.0
    found = experiments.quasi_newton(problem, 2, steps=1, w0=w0)
    after = sr.minimize(problem, sr.LBFGS(history=2), steps=1, w0=w0).w
    assert found.error == pytest.approx([np.linalg.norm(w - problem.optimum()) for w in (w0, after)], rel=1e-12)


def test_the_errors_in_the_range_of_the_hessian_are_those_of_single_steps_from_the_fit():
    x, seed = np.linspace(-1, 1, 5), 1
    problem = MLPRegressor(x[:, None], np.sin(3 * x), hidden=(4,))
    fit = sr.minimize(problem, sr.GaussNewton(damping=1e-3), steps=300, seed=seed, tolerance=1e-14)
    found = experiments.mlp_minimum(examples=5, hidden=4, seed=seed)
    assert (found.loss, found.gradient_norm) == (fit.records[-1].loss, fit.records[-1].gradient_norm)
    assert (found.rank, found.dim) == (5, 13)
    eigenvalues, vectors = np.linalg.eigh(problem.oracle(fit.w).hessian())
    direction = np.random.default_rng(seed).standard_normal(5)
    direction /= np.linalg.norm(direction)
    np.testing.assert_allclose(found.error, [1e-2, 10**-2.5, 1e-3, 10**-3.5, 1e-4, 10**-4.5, 1e-5], rtol=1e-12)
    expected = {"natural gradient": [], "gradient descent": []}
    for error in found.error:
        oracle = problem.oracle(fit.w + error * vectors[:, -5:] @ direction)
        F, g = sr.curvature.fisher(oracle).to_dense(), oracle.gradient()
        steps = {"natural gradient": -np.linalg.pinv(F, 1e-9) @ g, "gradient descent": -g / eigenvalues[-1]}
        for name, step in steps.items():
            expected[name].append(np.linalg.norm(vectors[:, -5:].T @ (oracle.w + step - fit.w)))
    for name, errors in expected.items():
        np.testing.assert_allclose(found.after[name], errors, rtol=1e-3)
    for part, name in ((found.natural_gradient, "natural gradient"), (found.gradient_descent, "gradient descent")):
        assert part == order_of_convergence(found.error, found.after[name], floor=0.0)
