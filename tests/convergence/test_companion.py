"""The norm of error and moment is what its formula says, in any basis and to the last digits, or is refused."""

import mpmath
import numpy as np
import pytest
from convergence.moment_truth import (
    DIGITS,
    basis,
    dense,
    drawn,
    exact_operator_norm,
    force_matrix,
    operator_norm,
    step_matrix,
)
from hypothesis import given
from hypothesis import strategies as st

import sofim_ref as sr
from sofim_ref.convergence import CompanionNorm

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS, k=st.integers(1, 4), condition=st.sampled_from([1.5, 100.0, 1e4]))
def test_a_steps_norm_is_the_dense_one_in_any_basis(seed, k, condition):
    rng = np.random.default_rng(seed)
    norm, a = drawn(rng, k, condition)
    Q = basis(rng, k)
    H, P = (Q * norm.eigenvalues) @ Q.T, dense(norm, Q)
    assert float(norm.step_norm(a)) == pytest.approx(exact_operator_norm(norm, a), rel=1e-13 * max(1, condition / 100))
    rounding = 100 * np.finfo(float).eps * np.linalg.cond(P)
    A, B = step_matrix(H, norm.beta, a), force_matrix(k, norm.beta, a)
    assert operator_norm(A, P, P) == pytest.approx(float(norm.step_norm(a)), rel=rounding)
    assert operator_norm(B, P) == pytest.approx(float(norm.remainder_norm(a)), rel=rounding)
    z = rng.standard_normal((2, 5, k))
    stacked = np.concatenate([z[0] @ Q.T, z[1] @ Q.T], axis=-1)
    length = np.sqrt(np.einsum("ni,ij,nj->n", stacked, P, stacked))
    np.testing.assert_allclose(norm.norm(z[0], z[1]), length, rtol=rounding)


@given(seed=SEEDS, condition=st.sampled_from([1e2, 1e8]))
def test_nothing_cancels_where_the_hessian_is_ill_conditioned(seed, condition):
    rng = np.random.default_rng(seed)
    beta, L = rng.uniform(0.05, 0.95), 1.0
    lam = np.asarray([L / condition, L])
    step = rng.uniform(0.05, 0.6) * 2 * (1 + beta) / ((1 - beta) * L)
    norm = CompanionNorm(lam, beta, step)
    with mpmath.workdps(DIGITS):
        b, a = mpmath.mpf(beta), mpmath.mpf(step)
        c = [1 + b - (1 - b) * a * mpmath.mpf(each) for each in lam.tolist()]
        m = max(2 * mpmath.sqrt(b), *map(abs, c))
        gap = (1 - (m + mpmath.sqrt(max(m * m - 4 * b, 0))) / 2) / 2
        gamma = 1 - gap
        K = gamma + b / gamma
        rests = [1 - (each / K) ** 2 for each in c]
        Q = max(mpmath.mpf(each) ** 2 / rest for each, rest in zip(lam.tolist(), rests, strict=True))
    assert pytest.approx(float(Q), rel=1e-13) == norm.Q
    assert 1 - norm.gamma == pytest.approx(float(gap), rel=1e-13, abs=1e-16)
    assert 1 - norm.spectral_radius == pytest.approx(2 * float(gap), rel=1e-13, abs=1e-16)


@given(seed=SEEDS)
def test_the_spectral_radius_is_that_of_the_steps_matrix_and_gamma_lies_half_way_to_one(seed):
    rng = np.random.default_rng(seed)
    norm, _ = drawn(rng, 3)
    A = step_matrix(np.diag(norm.eigenvalues), norm.beta, norm.step)
    # a double eigenvalue moves by the root of the rounding
    assert norm.spectral_radius == pytest.approx(np.max(np.abs(np.linalg.eigvals(A))), abs=1e-7)
    usual = CompanionNorm(norm.eigenvalues, norm.beta, norm.step)
    assert usual.gamma == pytest.approx((1 + norm.spectral_radius) / 2, rel=1e-14)
    assert pytest.approx(usual.gamma + norm.beta / usual.gamma, rel=1e-15) == usual.K
    assert float(norm.step_norm(norm.step)) == pytest.approx(norm.gamma, rel=1e-14)
    assert norm.spectral_radius < norm.gamma < 1


@given(seed=SEEDS)
def test_the_ends_of_an_interval_say_all_but_the_exact_remainder(seed):
    drawn_norm, a = drawn(np.random.default_rng(seed), 5)
    lam, rest = drawn_norm.eigenvalues, (drawn_norm.beta, drawn_norm.step, drawn_norm.K)
    every, ends = CompanionNorm(lam, *rest), CompanionNorm(lam[[0, -1]], *rest)
    assert (ends.Q, ends.spectral_radius, ends.gamma) == (every.Q, every.spectral_radius, every.gamma)
    assert float(ends.step_norm(a)) == float(every.step_norm(a))
    if ends.pi == every.pi:  # the order of π and θ depends on the exact remainder
        assert (ends.Z, ends.N) == (every.Z, every.N)
        assert ends.remainder_bound(a) == every.remainder_bound(a)


def test_a_step_that_overshoots_has_the_larger_root_for_pi():
    """At c = −K nearly, along the steepest of three directions: there 1 − 2θu + θ² is smaller for the smaller θ."""
    lam = np.asarray([0.78, 0.9, 1.0])
    norm = CompanionNorm(lam, 0.05, 2.12)
    assert norm.pi == norm.gamma > norm.theta
    assert norm.theta == pytest.approx(0.05 / norm.gamma)
    P, H = dense(norm), np.diag(lam)
    A = step_matrix(H, 0.05, 2.12)
    assert norm.spectral_radius == pytest.approx(np.max(np.abs(np.linalg.eigvals(A))))
    assert operator_norm(A, P, P) == pytest.approx(norm.gamma, rel=1e-10)
    assert operator_norm(np.eye(6)[:, :3], P) == pytest.approx(norm.Z, rel=1e-10)
    for a in (2.12, 3.0):
        exact = operator_norm(force_matrix(3, 0.05, a), P)
        assert float(norm.remainder_norm(a)) == pytest.approx(exact, rel=1e-10)
        assert float(norm.remainder_bound(a)) == pytest.approx(exact, rel=1e-10)  # its maximum is at an end


def test_numbers_come_in_the_shapes_of_their_arguments():
    norm = CompanionNorm(np.asarray([1.0, 2.0, 3.0]), 0.5, 0.5)
    z = np.ones((4, 2, 3))
    assert norm.norm(z, z).shape == (4, 2)
    assert norm.norm(z[0, 0], z[0, 0]).shape == ()
    a = np.linspace(0, 1, 6).reshape(2, 3)
    for method in (norm.step_norm, norm.remainder_norm, norm.remainder_bound):
        assert method(a).shape == (2, 3)
        assert float(method(a[0, 1])) == method(a)[0, 1]
    assert norm.difference_norm(a, 0.3).shape == (2, 3)
    assert norm.factors().shape == (3, 2, 2)


def test_heavy_ball_is_the_case_of_a_constant_step():
    """On a quadratic, with M = (1 − β)b, each of its steps contracts by γ_K at least, and one step by no more."""
    rng, beta, lr = np.random.default_rng(0), 0.7, 0.1
    lam = np.asarray([0.5, 2.0, 9.0])
    problem, optimizer = sr.problems.Quadratic(np.diag(lam), np.zeros(3)), sr.SGD(lr=lr, momentum=beta)
    norm = CompanionNorm(lam, beta, lr / (1 - beta))
    w = rng.standard_normal(3)
    state, lengths = optimizer.init(w), []
    for _ in range(60):
        lengths.append(float(norm.norm(w, (1 - beta) * state.moment)))
        w, state = optimizer.step(w, state, problem.oracle(w))
    ratios = np.asarray(lengths[1:]) / lengths[:-1]
    assert np.max(ratios) <= norm.gamma * (1 + 1e-12)
    assert np.max(ratios) > norm.spectral_radius


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eigenvalues": np.asarray([0.0, 1.0])}, r"eigenvalues must be numbers > 0, ascending"),
        ({"eigenvalues": np.asarray([2.0, 1.0])}, r"eigenvalues must be numbers > 0, ascending"),
        ({"eigenvalues": np.asarray([])}, r"eigenvalues must be numbers > 0, ascending"),
        ({"eigenvalues": np.asarray([1.0, np.nan])}, r"eigenvalues must be numbers > 0, ascending"),
        ({"beta": 1.0}, r"beta must be a number in \[0, 1\)"),
        ({"beta": 0.0}, r"beta must be > 0, got 0: without a moment"),
        ({"step": 0.0}, r"step must be a finite number > 0"),
        ({"step": 3.0}, r"step must be < 2\(1 \+ β\)/\(\(1 − β\)L\) = 3, got 3: .* diverges"),
        ({"beta": 0.25, "step": 2.0}, r"step must be < 2\(1 \+ β\)/\(\(1 − β\)L\) = 1.66667, got 2:"),
        ({"K": 1.5}, r"K must be between max\(2√β, \|c\|\) = 1.41421 and 1 \+ β = 1.5, got 1.5"),
        ({"K": 1.4}, r"K must be between"),
        ({"K": np.nan}, r"K must be between"),
        ({"beta": 0.25, "K": 1.0}, r"K must be between max\(2√β, \|c\|\) = 1 and"),  # 2√β itself
        ({"beta": 0.25, "step": 0.25, "K": 1.0625}, r"= 1.0625 and 1 \+ β = 1.25, got 1.0625"),  # and |c|
    ],
)
def test_what_is_no_norm_is_refused(change, message):
    given_arguments = {"eigenvalues": np.asarray([1.0, 2.0]), "beta": 0.5, "step": 0.5} | change
    with pytest.raises(ValueError, match=message):
        CompanionNorm(**given_arguments)
