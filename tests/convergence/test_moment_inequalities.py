"""Each numbered inequality of docs/theory/moment.md holds, is attained where its proof says so, and fails if shrunk.

`ONE_PERCENT` less of a constant, and the case that attains it is beyond the bound.
"""

import itertools
from functools import cache

import numpy as np
import pytest
from convergence.moment_truth import basis, dense, drawn, force_matrix, operator_norm, stable_step, step_matrix
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import sofim_ref as sr
from sofim_ref.convergence import CompanionNorm, best_parameters
from sofim_ref.convergence.heavy_ball import global_momentum
from sofim_ref.convergence.known_steps import adapted_steps, plain_steps
from sofim_ref.convergence.theorems import first_step_norm

SEEDS = st.integers(0, 2**32 - 1)
ONE_PERCENT = 0.99
ROUNDING = 1 + 1e-9


def rng_of(seed):
    return np.random.default_rng(seed)


@cache
def logistic(number):
    """One of a few problems in two dimensions, its optimum and its Hessian there."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((15, 2))
    problem = sr.problems.LogisticRegression(X, rng.integers(0, 2, 15), l2=0.1, intercept=False)
    optimum = problem.optimum()
    return problem, optimum, problem.oracle(optimum).hessian()


# ---------------------------------------------------------------- one step


@given(seed=SEEDS, far=st.floats(-3, 1))
@settings(max_examples=8)
def test_inequality_1_the_gradients_remainder_is_quadratic(seed, far):
    rng = rng_of(seed)
    problem, optimum, H = logistic(rng.integers(4))
    M = problem.constants().hessian_lipschitz
    delta = 10**far * rng.standard_normal(2)
    r = problem.oracle(optimum + delta).gradient() - H @ delta
    assert np.linalg.norm(r) <= M / 2 * (delta @ delta) * ROUNDING + 1e-14


@given(M=st.floats(0.1, 10), w=st.floats(-3, 3).filter(lambda w: abs(w) > 1e-3))
def test_inequality_1_is_attained_by_a_cubic(M, w):
    """f = w²/2 + Mw³/6, whose Hessian 1 + Mw changes at the rate M everywhere."""
    gradient = w + M / 2 * w**2
    assert abs(gradient - w) == pytest.approx(M / 2 * w**2)
    assert abs(gradient - w) > ONE_PERCENT * M / 2 * w**2


@given(seed=SEEDS, corrected=st.booleans())
@settings(max_examples=6)
def test_equation_2_a_step_is_a_matrix_and_a_remainder(seed, corrected):
    rng = rng_of(seed)
    problem, optimum, H = logistic(rng.integers(4))
    beta, lr, rho = rng.uniform(0.1, 0.95), rng.uniform(0.1, 3), rng.uniform(0.1, 2)
    optimizer = sr.SOFIM(lr=lr, rho=rho, beta=beta, bias_correction=corrected)
    w = optimum + rng.standard_normal(2)
    state, M = optimizer.init(w), np.zeros(2)
    for t in range(1, 5):
        g = problem.oracle(w).gradient()
        z, r = np.concatenate([w - optimum, M]), g - H @ (w - optimum)
        M = beta * M + (1 - beta) * g
        c = 1 / (1 - beta**t) if corrected else 1.0
        a = lr * c / (rho + c**2 * (M @ M))
        w, state = optimizer.step(w, state, problem.oracle(w))
        following = step_matrix(H, beta, a) @ z + force_matrix(2, beta, a) @ r
        np.testing.assert_allclose(np.concatenate([w - optimum, M]), following, atol=1e-12)


@given(seed=SEEDS)
def test_equation_3_companion_coordinates(seed):
    rng = rng_of(seed)
    beta, a, lam, delta, moment, r = rng.uniform(0.1, 2, 6) * [0.45, 1, 1, 1, 1, 1]
    moment_next = beta * moment + (1 - beta) * (lam * delta + r)
    delta_next = delta - a * moment_next
    sigma = 1 + beta - (1 - beta) * a * lam

    def x(delta, moment):
        return np.asarray([(1 - beta) * delta + beta * moment / lam, moment / lam])

    force = (1 - beta) * r / lam * np.asarray([sigma - 1, 1.0])
    following = np.asarray([[sigma, -beta], [1.0, 0.0]]) @ x(delta, moment) + force
    np.testing.assert_allclose(x(delta_next, moment_next), following, rtol=1e-12, atol=1e-12)


@given(seed=SEEDS, share=st.floats(0.01, 3).filter(lambda share: abs(share - 1) > 1e-3))
def test_inequality_4_there_is_a_norm_exactly_where_the_linear_iteration_is_stable(seed, share):
    rng = rng_of(seed)
    beta, lam = rng.uniform(0.05, 0.95), np.sort(rng.uniform(0.1, 5, 3))
    step = share * 2 * (1 + beta) / ((1 - beta) * lam[-1])
    radius = np.max(np.abs(np.linalg.eigvals(step_matrix(np.diag(lam), beta, step))))
    c = 1 + beta - (1 - beta) * step * lam
    assert (max(2 * beta**0.5, np.max(np.abs(c))) < 1 + beta) == (radius < 1) == (share < 1)
    if share > 1:
        with pytest.raises(ValueError, match="diverges"):
            CompanionNorm(lam, beta, step)


# ---------------------------------------------------------------- the norm of a step


@given(seed=SEEDS)
def test_equality_5_a_blocks_norm(seed):
    """With any centre c, any K and any order of the roots."""
    rng = rng_of(seed)
    beta = rng.uniform(0.05, 0.95)
    K = rng.uniform(2 * beta**0.5, 1 + beta)
    c, sigma = rng.uniform(-0.95, 0.95) * K, rng.uniform(-3, 3)
    pi, u = (K + rng.choice([-1, 1]) * (K * K - 4 * beta) ** 0.5) / 2, c / K
    V = np.asarray([[1, -u * pi], [-u * pi, pi**2]])
    n = operator_norm(np.asarray([[sigma, -beta], [1, 0]]), V, V)
    right = (K**2 + (sigma - c) ** 2 / (1 - u**2)) ** 0.5
    assert n + beta / n == pytest.approx(right, rel=1e-11)
    assert n >= beta**0.5 * (1 - 1e-12)  # the larger root
    assert ONE_PERCENT * right < n + beta / n


@given(seed=SEEDS)
def test_inequality_6_a_steps_norm(seed):
    norm, a = drawn(rng_of(seed), 4)
    inside = norm.eigenvalues[1:-1]
    for each, attained in ((norm.eigenvalues, True), (inside, False)):
        own = CompanionNorm(each, norm.beta, norm.step, norm.K)
        P = dense(own)
        A = step_matrix(np.diag(each), norm.beta, a)
        found, bound = operator_norm(A, P, P), float(norm.step_norm(a))
        assert found <= bound * ROUNDING
        if attained:
            assert found > ONE_PERCENT * bound


@given(seed=SEEDS)
def test_inequality_6_prime_the_difference_of_two_steps(seed):
    norm, a = drawn(rng_of(seed), 3)
    H, P = np.diag(norm.eigenvalues), dense(norm)
    difference = step_matrix(H, norm.beta, a) - step_matrix(H, norm.beta, 0.3 * norm.step)
    found, bound = operator_norm(difference, P, P), float(norm.difference_norm(a, 0.3 * norm.step))
    assert ONE_PERCENT * bound < found <= bound * ROUNDING


# ---------------------------------------------------------------- the norm and its parts


def parts(norm, row):
    """The largest |row z| of ‖z‖_P = 1, for a matrix `row` that takes z to what is measured."""
    return np.linalg.norm(row @ np.linalg.inv(np.linalg.cholesky(dense(norm)).T), 2)


@given(seed=SEEDS)
def test_inequality_7_the_error_is_at_most_the_norm(seed):
    rng = rng_of(seed)
    norm, _ = drawn(rng)
    z = rng.standard_normal((2, 50, 3))
    assert np.all(np.linalg.norm(z[0], axis=-1) <= norm.norm(*z) * ROUNDING)
    attained = parts(norm, np.eye(3, 6))
    assert ONE_PERCENT < attained <= ROUNDING


@given(seed=SEEDS)
def test_inequality_8_the_norm_of_an_error_without_a_moment(seed):
    rng = rng_of(seed)
    norm, _ = drawn(rng)
    delta = rng.standard_normal((50, 3))
    assert np.all(norm.norm(delta, 0 * delta) <= norm.Z * np.linalg.norm(delta, axis=-1) * ROUNDING)
    attained = max(norm.norm(np.eye(3), np.zeros((3, 3))))
    assert attained > ONE_PERCENT * norm.Z


@given(seed=SEEDS)
def test_inequality_9_the_moment_before_and_after_a_step(seed):
    rng = rng_of(seed)
    norm, _ = drawn(rng)
    before = np.eye(3, 6, 3)
    after = np.concatenate([(1 - norm.beta) * np.diag(norm.eigenvalues), norm.beta * np.eye(3)], axis=1)
    for row, bound in ((before, norm.N), (after, norm.pi * norm.N)):
        found = parts(norm, row)
        assert ONE_PERCENT * bound < found <= bound * ROUNDING


@given(seed=SEEDS)
def test_inequality_10_what_a_wrong_gradient_does(seed):
    norm, a = drawn(rng_of(seed), 4)
    found = operator_norm(force_matrix(4, norm.beta, a), dense(norm))
    bound = float(norm.remainder_norm(a))
    assert ONE_PERCENT * bound < found <= bound * ROUNDING


@given(seed=SEEDS)
def test_inequality_10_a_shorter_step_does_no_more_and_a_longer_one_no_less(seed):
    norm, _ = drawn(rng_of(seed), 3)
    within = norm.remainder_norm(np.linspace(0, norm.step, 30))
    beyond = norm.remainder_norm(np.linspace(norm.step, 5 * norm.step, 30))
    assert np.all(within <= beyond[0] * ROUNDING)
    assert np.all(np.diff(beyond) >= -1e-12 * beyond[1:])


@given(seed=SEEDS, share=st.floats(0, 4))
def test_inequality_10_prime_for_any_hessian_in_the_interval(seed, share):
    rng = rng_of(seed)
    ends, _ = drawn(rng, 2, 10 ** rng.uniform(0.1, 5))
    mu, L = ends.eigenvalues
    every = np.append(np.geomspace(mu, L, 300)[:-1], L)
    a, bound = share * ends.step, float(ends.remainder_bound(share * ends.step))
    fine = CompanionNorm(every, ends.beta, ends.step, ends.K)
    assume(fine.pi == ends.pi)  # the bound is about the norm with this order of π and θ
    exact = np.max(fine.remainder_norm(np.linspace(0, a, 5)))
    assert exact <= bound * ROUNDING
    if share >= 1:
        assert bound <= 2**0.5 * exact * ROUNDING
    if ends.pi >= ends.theta and share >= 1:  # both parts have their maximum at an end, and this is it
        assert ONE_PERCENT * bound < exact


def test_inequality_10_prime_is_the_bound_of_the_nominal_step_for_shorter_ones():
    """For a ≥ ā at most √2 times too large, for a < ā without such a limit."""
    mu, L, beta = 1.0, 11.66, 0.1043
    step = 0.94 * 2 * (1 + beta) / ((1 - beta) * L)
    ends, every = CompanionNorm(np.asarray([mu, L]), beta, step), np.geomspace(mu, L, 400)
    every[-1] = L
    fine = CompanionNorm(every, beta, step, ends.K)
    assert fine.pi == ends.pi
    too_large = {
        share: float(ends.remainder_bound(share * step)) / np.max(fine.remainder_norm(np.linspace(0, share * step, 9)))
        for share in (0.0035, 1.0, 3.0)
    }
    assert too_large[0.0035] > 8
    for share in (1.0, 3.0):
        assert 1 / ROUNDING <= too_large[share] <= 2**0.5
    assert ends.remainder_bound(0.0035 * step) == ends.remainder_bound(step)


# ---------------------------------------------------------------- the theorems


@given(seed=SEEDS)
def test_inequality_11_the_first_step_from_a_moment_of_zero(seed):
    rng = rng_of(seed)
    norm, _ = drawn(rng, 2)
    c, y = rng.uniform(1, 5), rng.uniform(0, 1)
    mu, L = norm.eigenvalues
    bound, largest = first_step_norm(norm, c, y), 0.0
    for lam, share in itertools.product(np.linspace(mu, L, 200), np.linspace(1 - y, 1, 5)):
        sigma = 1 + norm.beta - (1 - norm.beta) * norm.step * c * share * lam
        u = (1 + norm.beta - (1 - norm.beta) * norm.step * lam) / norm.K
        largest = max(largest, (sigma**2 - 2 * u * norm.pi * sigma + norm.pi**2) ** 0.5)
    assert ONE_PERCENT * bound < largest <= bound * ROUNDING


def moved(problem, center, z, *, a_of, beta):
    """(Δ, M) after one step with the problem's own gradient, and the a of that step."""
    delta, M = z
    M = beta * M + (1 - beta) * problem.oracle(center + delta).gradient()
    a = a_of(np.linalg.norm(M))
    return np.stack([delta - a * M, M]), a


@pytest.mark.parametrize("corrected", [True, False])
def test_inequality_12_the_moments_length(corrected):
    rng = rng_of(0)
    problem, optimum, H = logistic(0)
    lam, Q = np.linalg.eigh(H)
    beta, M = 0.8, problem.constants().hessian_lipschitz
    norm = CompanionNorm(lam, beta, 1.0)
    z, peak = np.stack([rng.standard_normal(2), np.zeros(2)]), 0.0
    for t in range(1, 30):
        c = 1 / (1 - beta**t) if corrected else 1.0
        error, length = np.linalg.norm(z[0]), float(norm.norm(*(z @ Q)))
        peak = max(peak, error)
        smooth = min(problem.constants().L, lam[-1] + M / 2 * peak)
        S = min(smooth * peak, c * (norm.pi * norm.N * length + (1 - beta) * M / 2 * error**2))
        z, _ = moved(problem, optimum, z, a_of=lambda m, c=c: c / (2.0 + (c * m) ** 2), beta=beta)
        assert c * np.linalg.norm(z[1]) <= S * ROUNDING


def test_inequality_12_is_attained_by_the_first_gradient_and_by_a_moment():
    """M̂₁ = g₀ on a quadratic along its steepest direction; and M⁺ of the z that (9) is attained by."""
    L, beta = 4.0, 0.8
    problem, optimizer = sr.problems.Quadratic(np.diag([1.0, L]), np.zeros(2)), sr.SOFIM(beta=beta)
    w = np.asarray([0.0, 0.3])
    _, chosen = optimizer.precondition(optimizer.init(w), problem.oracle(w))
    S = L * 0.3
    assert ONE_PERCENT * S < np.linalg.norm(chosen.vector) <= S * ROUNDING
    norm = CompanionNorm(np.asarray([1.0, L]), beta, 0.2)
    row = np.concatenate([(1 - beta) * np.diag([1.0, L]), beta * np.eye(2)], axis=1)
    inverse = np.linalg.inv(np.linalg.cholesky(dense(norm)).T)
    z = (inverse @ np.linalg.svd(row @ inverse)[2][0]).reshape(2, 2)
    z *= 0.3 / norm.norm(*z)
    after, _ = moved(problem, np.zeros(2), z, a_of=lambda _: 0.2, beta=beta)
    S = norm.pi * norm.N * 0.3
    assert ONE_PERCENT * S < np.linalg.norm(after[1]) <= S * ROUNDING


@given(S=st.floats(1e-3, 1e3), share=st.floats(0, 1), c=st.floats(1, 10), rho=st.floats(0.01, 10))
@example(S=907.75, share=1.0, c=1.0, rho=0.015625)  # 1 − y as a difference would have half its digits
def test_inequality_13_what_a_moment_takes_from_the_step(S, share, c, rho):
    """ā = 1: a = c/(1 + ‖M̂‖²/ρ) is between c(1 − y) and c, and at its least where ‖M̂‖ = S."""
    left, left_of_less = (rho / (rho + (part * S) ** 2) for part in (1.0, ONE_PERCENT))  # 1 − y
    a = c / (1 + (share * S) ** 2 / rho)
    assert c * left <= a * ROUNDING
    assert a <= c
    least = c / (1 + S**2 / rho)
    assert least == pytest.approx(c * left, rel=1e-9)
    assert least < c * left_of_less  # with an S that is too small by 1 %


@given(seed=SEEDS, far=st.floats(-2, 0.5))
@settings(max_examples=10)
def test_inequality_14_one_step_from_any_point_and_moment(seed, far):
    rng = rng_of(seed)
    (problem, optimum, H), rho = logistic(rng.integers(4)), 10 ** rng.uniform(-1, 1)
    lam, Q = np.linalg.eigh(H)
    beta, M = rng.uniform(0.2, 0.95), problem.constants().hessian_lipschitz
    norm = CompanionNorm(lam, beta, stable_step(rng, beta, lam[-1]))
    for _ in range(10):
        z = rng.standard_normal((2, 2)) * [[1.0], [lam[-1]]]
        e = 10**far
        z *= e / norm.norm(*(z @ Q))
        half = M / 2 * e
        S = (norm.pi * norm.N + (1 - beta) * half) * e
        after, _ = moved(problem, optimum, z, a_of=lambda m: norm.step / (1 + m * m / rho), beta=beta)
        y = S**2 / (rho + S**2)
        factor = float(norm.step_norm(norm.step * (1 - y)) + norm.remainder_norm(norm.step) * half)
        assert norm.norm(*(after @ Q)) <= factor * e * ROUNDING


@given(seed=SEEDS)
def test_inequality_14_is_attained_on_a_quadratic_by_a_constant_step(seed):
    norm, _ = drawn(rng_of(seed), 2)
    problem = sr.problems.Quadratic(np.diag(norm.eigenvalues), np.zeros(2))
    R = np.linalg.cholesky(dense(norm)).T
    inverse = np.linalg.inv(R)
    A = step_matrix(np.diag(norm.eigenvalues), norm.beta, norm.step)
    z = (inverse @ np.linalg.svd(R @ A @ inverse)[2][0]).reshape(2, 2)
    after, _ = moved(problem, np.zeros(2), z, a_of=lambda _: norm.step, beta=norm.beta)
    assert ONE_PERCENT * norm.gamma < norm.norm(*after) / norm.norm(*z) <= norm.gamma * ROUNDING


@given(seed=SEEDS, share=st.floats(0.1, 0.9), rho=st.floats(0.01, 100))
def test_the_explicit_radius_of_theorem_a(seed, share, rho):
    norm, _ = drawn(rng_of(seed), 3)
    beta, step, ell, M = norm.beta, norm.step, norm.eigenvalues[-1], 0.7
    gamma = norm.gamma + share * (1 - norm.gamma)
    half_way = (gamma + norm.gamma) / 2
    alpha, G = half_way + beta / half_way, float(norm.remainder_norm(step))
    Y = (alpha**2 - norm.K**2) ** 0.5 / float(norm.difference_norm(step, 0))
    R = min((gamma - norm.gamma) / (M * G), (rho * Y / (1 - Y)) ** 0.5 / ell if Y < 1 else np.inf)
    y = (ell * R) ** 2 / (rho + (ell * R) ** 2)
    assert norm.step_norm(step * (1 - y)) + G * M / 2 * R <= gamma * ROUNDING


@given(beta=st.floats(0.05, 0.95), t=st.integers(1, 30), y=st.floats(1e-3, 1), part=st.floats(0, 1))
def test_inequality_15_how_far_bias_correction_takes_a(beta, t, y, part):
    """With ā = 1; attained at a = c_t, and where c_t = 1 at a = 1 − y."""
    c = 1 / (1 - beta**t)
    a = c * (1 - part * y)
    bound = max(c - 1, y)
    assert abs(a - 1) <= bound * ROUNDING
    assert max(abs(c - 1), abs((1 - y) - 1)) > ONE_PERCENT * bound


@given(seed=SEEDS)
@settings(max_examples=10)
def test_inequality_16_the_norms_of_theorem_b_prime(seed):
    """What they bound comes out of the nominal steps that follow: those from step t on are known to contract."""
    rng = rng_of(seed)
    norm, _ = drawn(rng, 3, 30.0)
    nominal = norm.gamma + rng.uniform(0.2, 0.8) * (1 - norm.gamma)
    steps, plain = adapted_steps(norm, nominal), plain_steps(norm, corrected=True, complete=True)
    H, P = np.diag(norm.eigenvalues), dense(norm)
    n = steps.settled
    assert steps.rows[n:] == plain.rows[n:]
    contractions = [operator_norm(step_matrix(H, norm.beta, c * norm.step), P, P) for c, *_ in plain.rows[n : n + 5]]
    assert max(contractions) <= nominal * ROUNDING
    for t in {0, n // 2, n - 1, n} - {-1}:  # after t steps
        after, grown, moved_by, wrong = np.eye(6), 1.0, 0.0, 0.0
        c, C, D, G = steps.rows[t - 1]
        a = c * norm.step
        difference = step_matrix(H, norm.beta, a) - step_matrix(H, norm.beta, 0.5 * a)
        for j in range(t, n + 1):
            grown = max(grown, operator_norm(after, P, P))
            if t:
                moved_by = max(moved_by, operator_norm(after @ difference, P, P) / (0.5 * a))
                wrong = max(wrong, operator_norm(after @ force_matrix(3, norm.beta, a), P))
            after = step_matrix(H, norm.beta, steps.rows[j][0] * norm.step) @ after / nominal
        if t:
            assert grown <= C * ROUNDING
            assert moved_by <= D * ROUNDING
            assert wrong <= G * ROUNDING
        if t and t >= n - 1:  # one step decides
            assert grown > ONE_PERCENT * C
        if t == n > 0:
            assert moved_by > ONE_PERCENT * D
            assert wrong > ONE_PERCENT * G


def test_inequality_16_on_vectors_without_a_moment():
    """C₀ is at least what the nominal steps do to them, and with one eigenvalue little more."""
    norm = CompanionNorm(np.asarray([1.0]), 0.8, 3.0)
    nominal = (1 + norm.gamma) / 2
    steps, P = adapted_steps(norm, nominal), dense(norm)
    after, grown = np.eye(2)[:, :1], 1.0
    length = operator_norm(after, P)
    for c, *_ in steps.rows[: steps.settled]:
        after = step_matrix(np.eye(1), norm.beta, c * norm.step) @ after / nominal
        grown = max(grown, operator_norm(after, P) / length)
    assert 1.5 < grown <= steps.start <= 1.1 * grown


# ---------------------------------------------------------------- one norm for all Hessians


def common_rate(low, high, beta):
    """The least common rate of the companion matrices of σ in [low, high], over all quadratic norms, numerically."""

    def rate(p):  # of R = [[1, p₀], [0, e^p₁]]: a 2 × 2 matrix X has the norm (√(F + 2|det|) + √(F − 2|det|))/2
        scale = np.exp(p[1])
        squares = ((s + p[0]) ** 2 + scale**2 + ((-beta - p[0] * (s + p[0])) / scale) ** 2 + p[0] ** 2 for s in ends)
        F = max(squares)
        return (np.sqrt(F + 2 * beta) + np.sqrt(F - 2 * beta)) / 2

    ends = (low, high)
    options = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 300}
    starts = [(u, v) for u in (-0.7, 0.7) for v in (-1.0, 0.0)]
    return min(minimize(rate, start, method="Nelder-Mead", options=options).fun for start in starts)


@pytest.mark.parametrize(
    ("low", "high", "beta"),
    [(0.3, 1.5, 0.6), (-1.2, 1.1, 0.5), (-0.2, 1.6, 0.7), (1.2, 1.85, 0.86), (-1.7, -0.1, 0.75)],
)
def test_lemma_4_no_quadratic_norm_is_better(low, high, beta):
    step = 1.0
    mu, L = (1 + beta - np.asarray([high, low])) / ((1 - beta) * step)
    rate, _, _ = global_momentum(mu, L, beta, step)
    least = common_rate(low, high, beta)
    assert rate == pytest.approx(least, rel=1e-5)
    assert least > ONE_PERCENT * rate


@pytest.mark.parametrize(("beta", "step"), [(0.3, 0.3), (0.5, 0.2), (0.1, 0.4)])
def test_the_corollary_for_heavy_ball_holds_for_hessians_that_change_at_random(beta, step):
    rng, (mu, L) = rng_of(0), (0.5, 4.0)
    rate, factor, _ = global_momentum(mu, L, beta, step)
    assert rate < 1
    before = now = first = rng.standard_normal(2)
    for t in range(1, 200):
        Q = basis(rng, 2)
        H = (Q * rng.choice([mu, L], 2)) @ Q.T  # the extremes do most
        before, now = now, now - (1 - beta) * step * H @ now + beta * (now - before)
        assert np.linalg.norm(now) <= factor * rate**t * np.linalg.norm(first) * ROUNDING


def test_the_common_rate_at_the_best_parameters_exceeds_one_from_3_plus_root_8_on():
    for kappa in (2.0, 3 + 8**0.5, 100.0):
        best = best_parameters(1.0, kappa)
        rate, _, _ = global_momentum(1.0, kappa, best.beta, best.step)
        assert rate == pytest.approx((1 + 2**0.5) * best.rate, rel=1e-9)
        assert (rate < 1 - 1e-9) == (kappa < 5)
    assert (1 + 2**0.5) * best_parameters(1.0, 3 + 8**0.5).rate == pytest.approx(1.0)


def test_a_common_rate_that_is_not_attained_is_replaced_by_one_that_is():
    rate, factor, _ = global_momentum(1.0, 1.0, 0.25, 1 / 3)  # c = 1 = 2√β: a double root
    assert rate == pytest.approx(0.75)
    assert factor < 5
