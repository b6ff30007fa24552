"""SOFIM against fifty digits, and the facts that lessons tell about it, each by its number in formulas.md."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trajectories import ema_momentum, sofim_directions, sofim_on_quadratic

from sofim_ref import SGD, SOFIM, arrays, curvature, minimize
from sofim_ref.matrices import RankOne
from sofim_ref.optimizers import SOFIMState
from sofim_ref.problems import Function, LeastSquares, Quadratic

EPS = float(np.finfo(np.float64).eps)
B = np.linspace(-1, 1, 4)
W0 = np.array([2.0, -1.0, 0.5, 3.0])

vectors = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).standard_normal(4))


def spd():
    Q = np.random.default_rng(1).standard_normal((4, 4))
    A = np.eye(4) + Q @ Q.T / 4
    return (A + A.T) / 2


A = spd()
QUADRATIC = Quadratic(A, B)


def points(optimizer, steps, problem=QUADRATIC, w0=W0):
    trace = minimize(problem, optimizer, steps=steps, w0=w0, store_points=True)
    return np.stack([arrays.to_numpy(point) for point in trace.points])


def step_at(optimizer, gradient, mean, step=0):
    """The step −Δw that SOFIM takes where the loss has this gradient, from this state."""
    problem = Quadratic(np.eye(4), -gradient)
    w = np.zeros(4)
    return -optimizer.step(w, SOFIMState(step, mean), problem.oracle(w))[0]


def moment_at(beta, gradient, mean, step):
    """The moment M = βM + (1−β)g of the step after that many, whose state before has this mean."""
    return beta * (1 - beta**step) * mean + (1 - beta) * gradient


@pytest.mark.parametrize("vector", ["moment", "gradient"])
@pytest.mark.parametrize("bias_correction", [True, False])
def test_100_steps_equal_fifty_digits_with_dense_inversion(xp, vector, bias_correction):
    if "float64" not in xp.dtypes:
        pytest.skip("no float64 here")
    optimizer = SOFIM(lr=0.1, rho=0.5, beta=0.9, vector=vector, bias_correction=bias_correction)
    found = points(optimizer, 100, Quadratic(xp.asarray(A), xp.asarray(B)), xp.asarray(W0))
    settings = dataclasses.asdict(optimizer)
    names = ("lr", "rho", "beta", "vector", "bias_correction")
    truth = sofim_on_quadratic(A, B, W0, 100, **{name: settings[name] for name in names})
    error = np.linalg.norm(found - truth, axis=1) / np.linalg.norm(truth, axis=1)
    assert error.max() <= 1e-12


def test_fact_1_all_eigenvalues_but_one_are_rho():
    optimizer = SOFIM(rho=0.25)
    _, choice = optimizer.precondition(optimizer.init(W0), QUADRATIC.oracle(W0))
    s = np.linalg.norm(A @ W0 - B)
    C = choice.matrix
    np.testing.assert_allclose(C.eigenvalues(), [0.25] * 3 + [0.25 + s**2], rtol=8 * EPS)
    np.testing.assert_allclose(np.linalg.cond(C.to_dense()), 1 + s**2 / 0.25, rtol=8 * EPS * (1 + s**2 / 0.25))
    np.testing.assert_allclose(C.logdet(), 3 * math.log(0.25) + math.log(0.25 + s**2), rtol=8 * EPS)


@given(gradient=vectors, mean=vectors, step=st.integers(0, 5), size=st.floats(-6, 6).map(lambda e: 10.0**e))
def test_fact_2_the_moment_reading_never_leaves_the_moments_direction(gradient, mean, step, size):
    optimizer = SOFIM(lr=0.5, rho=0.5)
    taken = step_at(optimizer, size * gradient, size * mean, step)
    m = moment_at(0.9, size * gradient, size * mean, step) / (1 - 0.9 ** (step + 1))
    expected = 0.5 * m / (0.5 + m @ m)
    assert np.linalg.norm(taken - expected) <= 16 * EPS * np.linalg.norm(expected)


@pytest.mark.parametrize("bias_correction", [True, False])
def test_fact_2_its_scalar_schedule_replayed_in_momentum_sgd_is_the_same_trajectory(bias_correction):
    lr, rho, beta, steps = 0.3, 0.5, 0.9, 100
    found = points(SOFIM(lr, rho, beta, bias_correction=bias_correction), steps)
    M, sizes = np.zeros(4), []
    for w in found[:-1]:
        M = beta * M + (1 - beta) * (A @ w - B)
        M_hat = M / (1 - beta ** (len(sizes) + 1)) if bias_correction else M
        sizes.append(lr / (rho + M_hat @ M_hat))
    replay = ema_momentum(lambda w: A @ w - B, W0, beta=beta, step_sizes=sizes, bias_correction=bias_correction)
    # A fixed schedule makes every step linear, so an error of a few eps grows no faster than the steps are many.
    np.testing.assert_allclose(found, replay, rtol=0, atol=8 * EPS * steps * np.linalg.norm(W0))

    # The same once more in the library's own heavy ball, whose b is M̂ (1 − βᵗ)/(1 − β): fact 6.
    def schedule(t):
        return sizes[t] * (1 - beta) / (1 - beta ** (t + 1) if bias_correction else 1)

    heavy_ball = points(SGD(lr=schedule, momentum=beta), steps)
    np.testing.assert_allclose(found, heavy_ball, rtol=0, atol=8 * EPS * steps * np.linalg.norm(W0))


@given(rho=st.floats(-8, 8).map(lambda e: 10.0**e), direction=vectors)
def test_fact_2_the_step_is_longest_where_the_moment_is_the_root_of_rho_long(rho, direction):
    optimizer = SOFIM(lr=0.5, rho=rho, beta=0.0)
    u = direction / np.linalg.norm(direction)
    s = math.sqrt(rho) * np.array([1e-3, 0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0, 1e3])
    length = np.array([np.linalg.norm(step_at(optimizer, s_ * u, np.zeros(4))) for s_ in s])
    np.testing.assert_allclose(length, 0.5 * s / (rho + s**2), rtol=16 * EPS)
    np.testing.assert_allclose(length[4], 0.5 / (2 * math.sqrt(rho)), rtol=16 * EPS)
    assert (np.diff(length)[:4] > 0).all()
    assert (np.diff(length)[4:] < 0).all()


@given(
    gradient=vectors,
    mean=vectors,
    parallel=st.booleans(),
    beta=st.sampled_from([0.0, 0.5, 0.9]),
    size=st.floats(-3, 3).map(lambda e: 10.0**e),
)
def test_fact_3_the_gradient_reading_descends_from_any_state(gradient, mean, parallel, beta, size):
    optimizer = SOFIM(lr=1.0, rho=0.5, beta=beta, vector="gradient")
    mean = size * (gradient if parallel else mean)
    x = step_at(optimizer, gradient, mean, step=3)
    M_hat = moment_at(beta, gradient, mean, 3) / (1 - beta**4)
    kappa = 1 + M_hat @ M_hat / 0.5
    cosine = gradient @ x / (np.linalg.norm(gradient) * np.linalg.norm(x))
    # Kantorovich: no vector is turned further by a matrix of condition κ. Rounding: 8 eps backward, so 16 κ eps in x.
    assert cosine >= 2 * math.sqrt(kappa) / (kappa + 1) - 16 * kappa * EPS
    assert gradient @ x > 0


@given(gradient=vectors, mean=vectors)
def test_fact_3_the_gradient_reading_damps_the_part_along_the_moment(gradient, mean):
    optimizer = SOFIM(lr=1.0, rho=0.5, beta=0.5, vector="gradient", bias_correction=False)
    x = step_at(optimizer, gradient, mean, step=2)
    M = moment_at(0.5, gradient, mean, 2)
    s2 = M @ M
    along = M * (M @ gradient) / s2
    expected = along / (0.5 + s2) + (gradient - along) / 0.5
    assert np.linalg.norm(x - expected) <= 16 * (1 + s2 / 0.5) * EPS * np.linalg.norm(expected)


@given(gradient=vectors, mean=vectors, rho=st.sampled_from([1e4, 1e8]))
def test_fact_4_with_a_large_rho_it_is_gradient_descent_on_the_moment_or_the_gradient(gradient, mean, rho):
    M = moment_at(0.9, gradient, mean, 8)
    for vector, v in [("moment", M), ("gradient", gradient)]:
        x = step_at(SOFIM(lr=0.1 * rho, rho=rho, vector=vector, bias_correction=False), gradient, mean, step=8)
        limit = 0.1 * v
        assert np.linalg.norm(x - limit) <= (M @ M / rho + 16 * EPS) * np.linalg.norm(limit)


@given(gradient=vectors, mean=vectors, rho=st.sampled_from([1e-4, 1e-8]))
def test_fact_4_with_a_small_rho_it_divides_by_the_square_or_projects(gradient, mean, rho):
    M = moment_at(0.9, gradient, mean, 8)
    s2 = M @ M
    inverse = step_at(SOFIM(lr=1.0, rho=rho, bias_correction=False), gradient, mean, step=8)
    assert np.linalg.norm(inverse - M / s2) <= (rho / s2 + 16 * EPS) * np.linalg.norm(M / s2)

    projected = step_at(SOFIM(lr=rho, rho=rho, vector="gradient", bias_correction=False), gradient, mean, step=8)
    complement = gradient - M * (M @ gradient) / s2
    assert np.linalg.norm(projected - complement) <= (rho / s2 + 16 * EPS) * np.linalg.norm(gradient)


def test_fact_5_at_a_minimum_the_matrix_is_rho_whatever_the_hessian_and_whatever_the_empirical_fisher():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 2)) * [1.0, 3.0]
    problem = LeastSquares(X, X @ [1.0, -1.0] + rng.standard_normal(40))
    optimum = problem.oracle(problem.optimum())
    noise = np.abs(problem.features).max() ** 2 * 40 * EPS  # what rounding leaves of the gradient
    assert np.linalg.norm(curvature.mean_gradient_fisher(optimum, rho=0.5).to_dense() - 0.5 * np.eye(3)) <= noise**2
    # The scatter of the gradients, which SOFIM drops, is all that is left of E[ggᵀ]; the Hessian is X̄ᵀX̄/N.
    assert np.linalg.eigvalsh(curvature.empirical_fisher(optimum).to_dense())[0] > 0.1
    assert np.linalg.cond(optimum.hessian()) > 5

    # So the run's tail is that of plain gradient descent with step η/ρ.
    run = minimize(problem, SOFIM(lr=0.05, rho=0.5, beta=0.0), steps=400)
    oracle = problem.oracle(run.w)
    _, choice = SOFIM(rho=0.5, beta=0.0).precondition(run.state, oracle)
    assert np.linalg.norm(choice.matrix.to_dense() - 0.5 * np.eye(3)) <= np.linalg.norm(oracle.gradient()) ** 2 + EPS
    at = run.w + 1e-5
    g = problem.oracle(at).gradient()
    x = SOFIM(lr=0.05, rho=0.5, beta=0.0).step(at, run.state, problem.oracle(at))[0] - at
    assert np.linalg.norm(x + 0.05 / 0.5 * g) <= (g @ g / 0.5 + 16 * EPS) * 0.1 * np.linalg.norm(g) + 4 * EPS


def test_fact_6_an_average_with_step_a_is_a_heavy_ball_with_step_a_times_one_minus_beta():
    a, beta, steps = 0.2, 0.9, 60
    average = ema_momentum(lambda w: A @ w - B, W0, beta=beta, step_sizes=[a] * steps, bias_correction=False)
    heavy_ball = points(SGD(lr=a * (1 - beta), momentum=beta), steps)
    np.testing.assert_allclose(heavy_ball, average, rtol=0, atol=8 * EPS * steps * np.linalg.norm(W0))


@given(moment=vectors, rho=st.floats(-6, 6).map(lambda e: 10.0**e))
def test_fact_7_the_inverse_applied_to_the_vector_itself_is_a_scaling(moment, rho):
    x = RankOne(rho, moment).solve(moment)
    expected = (moment / rho) / (1 + np.sum(moment**2) / rho)
    assert np.linalg.norm(x - expected) <= 16 * EPS * np.linalg.norm(expected)


@pytest.mark.parametrize("vector", ["moment", "gradient"])
@pytest.mark.parametrize("bias_correction", [True, False])
@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9])
def test_float32_keeps_six_digits_at_every_ratio_of_the_squared_gradient_to_rho(vector, bias_correction, beta):
    for case, log_ratio in itertools.product(["one gradient", "any gradients"], [0, 4, 8, 12]):
        settings = {"beta": beta, "vector": vector, "bias_correction": bias_correction}
        G, rho, exact = sofim_directions(case, 4, log_ratio, **settings)
        optimizer, w = SOFIM(lr=1.0, rho=rho, **settings), np.zeros(4, dtype=np.float32)
        state = optimizer.init(w)
        for g, x in zip(G, exact, strict=True):
            following, state = optimizer.step(w, state, Function(4, lambda w: w @ w, lambda _, g=g: g).oracle(w))
            assert np.linalg.norm(-following - x) <= 1e-6 * np.linalg.norm(x), (case, log_ratio)


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9])
def test_the_mean_is_the_gradient_in_the_first_step_and_where_all_gradients_are_one(beta):
    g, optimizer = np.float32([0.1, -0.7, 1e-30, 3e30]), SOFIM(beta=beta)
    state = optimizer.init(g)
    for _ in range(30):
        state, _ = optimizer.precondition(state, Function(4, lambda w: w @ w, lambda _: g).oracle(g))
        assert state.mean.tobytes() == g.tobytes()


def test_without_momentum_the_mean_forgets_even_gradients_beyond_its_rounding():
    optimizer = SOFIM(beta=0.0)
    state = SOFIMState(1, np.full(2, 1e30))
    state, _ = optimizer.precondition(state, Function(2, lambda w: w @ w, lambda _: np.full(2, 1e-30)).oracle(B[:2]))
    assert state.mean.tolist() == [1e-30, 1e-30]


def test_without_momentum_the_correction_changes_nothing():
    one, other = (points(SOFIM(beta=0.0, bias_correction=correct), 20) for correct in (True, False))
    assert one.tobytes() == other.tobytes()


def test_scaling_the_loss_by_c_and_rho_by_c_squared_divides_the_moment_readings_rate_by_c():
    c = 8.0  # a power of two, so that scaling rounds nothing
    one = points(SOFIM(lr=0.2, rho=0.5), 50)
    other = points(SOFIM(lr=0.2 * c, rho=0.5 * c**2), 50, Quadratic(c * A, c * B))
    np.testing.assert_allclose(one, other, rtol=0, atol=8 * EPS * 50 * np.linalg.norm(W0))
