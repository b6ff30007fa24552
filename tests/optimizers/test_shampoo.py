"""Shampoo and KL-Shampoo against 50 digits, what they are by hand, and their limits."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from kronecker_truth import (
    PROBLEM,
    START,
    G,
    Partly,
    X,
    Y,
    assert_steps_agree,
    choice,
    gradient,
    inverse,
    points,
    power,
)

from sofim_ref import problems
from sofim_ref.optimizers import KLShampoo, Muon, Shampoo

READINGS = [
    {},
    {"accumulation": "average", "beta1": 0.9},
    {"power": 0.5, "trace": True, "accumulation": "average"},
    {"power": 0.5},
]


def shampoo(lr, decay, epsilon, *, power_=0.25, trace=False, accumulation="sum", beta1=0.0, beta2=0.95):
    """L ← L + GGᵀ or β₂L + (1−β₂)GGᵀ, over 1 − β₂ᵗ; W ← W − η(L⁻ᵖ M̂ R⁻ᵖ (tr L)^(2p−½) + λW)."""
    W, eps = mpmath.matrix(START.reshape(3, 2).tolist()), mpmath.mpf(epsilon)
    L, R, M = mpmath.zeros(3, 3), mpmath.zeros(2, 2), mpmath.zeros(3, 2)
    b1, b2 = mpmath.mpf(beta1), mpmath.mpf(beta2)
    for t in range(1, 101):
        D = gradient(W)
        kept, added, scale = (1, 1, 1) if accumulation == "sum" else (b2, 1 - b2, 1 - b2**t)
        L, R, M = kept * L + added * (D * D.T), kept * R + added * (D.T * D), b1 * M + (1 - b1) * D
        A, B = L / scale + eps * mpmath.eye(3), R / scale + eps * mpmath.eye(2)
        U = power(A, -power_) * (M / (1 - b1**t)) * power(B, -power_)
        if trace:
            U *= sum(A[i, i] for i in range(3)) ** (2 * mpmath.mpf(power_) - 0.5)
        W = W - lr * (U + decay * W)
        yield W


def kl_shampoo(lr, decay, epsilon, *, coupling, beta2=0.95, initial=0.1):
    """S_a ← β₂S_a + (1−β₂)/2 G S_b⁻¹ Gᵀ, S_b ← β₂S_b + (1−β₂)/3 Gᵀ S_a⁻¹ G; W ← W − η(S_a^−½ G S_b^−½ + λW)."""
    W, eps, b = mpmath.matrix(START.reshape(3, 2).tolist()), mpmath.mpf(epsilon), mpmath.mpf(beta2)
    S_a, S_b = mpmath.mpf(initial) * mpmath.eye(3), mpmath.mpf(initial) * mpmath.eye(2)
    for _ in range(100):
        D = gradient(W)
        new = b * S_a + (1 - b) / 2 * (D * inverse(S_b + eps * mpmath.eye(2)) * D.T)
        other = new if coupling == "sequential" else S_a
        S_b = b * S_b + (1 - b) / 3 * (D.T * inverse(other + eps * mpmath.eye(3)) * D)
        S_a = new
        U = power(S_a + eps * mpmath.eye(3), -0.5) * D * power(S_b + eps * mpmath.eye(2), -0.5)
        W = W - lr * (U + decay * W)
        yield W


STEPS = pytest.mark.parametrize("steps", [15, pytest.param(100, marks=pytest.mark.slow)])


@STEPS
@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_shampoo_s_first_steps_are_the_formula_s_in_50_digits(reading, steps):
    named = {"power_" if name == "power" else name: value for name, value in reading.items()}
    found = points(Shampoo(lr=0.125, weight_decay=0.0625, epsilon=1e-4, **reading), steps)
    assert_steps_agree(found, shampoo(0.125, 0.0625, 1e-4, **named))


@STEPS
@pytest.mark.parametrize("coupling", ["simultaneous", "sequential"])
def test_kl_shampoo_s_first_steps_are_the_formula_s_in_50_digits(coupling, steps):
    found = points(KLShampoo(lr=0.0078125, weight_decay=0.0625, epsilon=1e-3, coupling=coupling), steps)
    assert_steps_agree(found, kl_shampoo(0.0078125, 0.0625, 1e-3, coupling=coupling))


def test_without_accumulation_it_is_muon_without_momentum():
    one = choice(Shampoo(accumulation="average", beta2=0.0, epsilon=1e-24)).direction
    other = choice(Muon(momentum=0.0)).direction
    np.testing.assert_allclose(one, other, rtol=1e-7)
    sum_of_one_step = choice(Shampoo(epsilon=1e-24)).direction
    np.testing.assert_allclose(one, sum_of_one_step, rtol=1e-12)


def test_with_power_half_and_the_trace_it_is_the_norm_of_g_times_its_pseudo_inverse():
    g = PROBLEM.oracle(START).gradient()
    U, sigma, Vt = np.linalg.svd(g.reshape(3, 2), full_matrices=False)
    found = choice(Shampoo(power=0.5, trace=True, epsilon=1e-20)).direction.reshape(3, 2)
    np.testing.assert_allclose(found, np.linalg.norm(g) * (U / sigma) @ Vt, rtol=1e-6)


def test_c_bounds_adagrad_s_full_matrix():
    rng, optimizer = np.random.default_rng(0), Shampoo(epsilon=1e-8)
    state, total = optimizer.init(START), np.zeros((6, 6))
    for _ in range(5):
        w = rng.standard_normal(6)
        g = PROBLEM.oracle(w).gradient()
        total += np.outer(g, g)
        state, found = optimizer.precondition(state, PROBLEM.oracle(w))
    values, Q = np.linalg.eigh(total)
    root = (Q * np.sqrt(np.maximum(values, 0))) @ Q.T
    assert np.linalg.eigvalsh(2**0.5 * found.matrix.to_dense() - root)[0] > 0  # r = 2 columns


def test_one_column_is_the_root_of_the_full_matrix():
    line = problems.LeastSquares(X, Y[:, 0], intercept=False)
    optimizer, w, total, squares = Shampoo(epsilon=1e-9), START[:3], np.zeros((3, 3)), 0.0
    state = optimizer.init(w)
    for scale in (1.0, 2.0, -1.0):
        g = line.oracle(scale * w).gradient()
        total, squares = total + np.outer(g, g), squares + g @ g
        state, found = optimizer.precondition(state, line.oracle(scale * w))
    values, Q = np.linalg.eigh(total)
    quarter = (Q * np.maximum(values, 1e-9) ** 0.25) @ Q.T
    np.testing.assert_allclose(found.matrix.to_dense(), squares**0.25 * quarter, atol=1e-4)


@pytest.mark.parametrize(
    ("optimizer", "scaled"),
    [
        (Shampoo(epsilon=1e-12), Shampoo(epsilon=1e-8)),
        (Shampoo(power=0.5, trace=True, epsilon=1e-10), Shampoo(power=0.5, trace=True, epsilon=1e-6)),
        (KLShampoo(epsilon=1e-6, initial=0.01), KLShampoo(epsilon=1e-4, initial=1.0)),
    ],
    ids=["shampoo", "half", "kl"],
)
def test_the_loss_times_a_hundred_leaves_the_path_alone_where_epsilon_is_scaled_too(optimizer, scaled):
    larger = problems.LeastSquares(10 * X, 10 * Y, intercept=False)  # the loss times 100, at the same w
    one, other = points(optimizer, 20), points(scaled, 20, larger)
    np.testing.assert_allclose(one, other, rtol=1e-7)


def test_rotating_inputs_turns_the_path():
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    turned = problems.LeastSquares(X @ Q.T, Y, intercept=False)
    for optimizer in (Shampoo(), KLShampoo()):
        one = points(optimizer, 10)[-1].reshape(3, 2)
        other = points(optimizer, 10, turned, (Q @ START.reshape(3, 2)).ravel())[-1].reshape(3, 2)
        np.testing.assert_allclose(Q @ one, other, atol=1e-8)


def test_kl_shampoo_s_fixed_point_has_the_least_divergence():
    rng, optimizer = np.random.default_rng(1), KLShampoo(beta2=0.3, epsilon=1e-9)
    A, B = rng.standard_normal((3, 3)), rng.standard_normal((2, 2))
    drawn = np.einsum("ij,njk,lk->nil", A, rng.standard_normal((20, 3, 2)), B)
    F = np.einsum("nij,nkl->ijkl", drawn, drawn).reshape(6, 6) / 20
    S_a, S_b = np.eye(3), np.eye(2)
    for _ in range(60):
        pairs = [optimizer._updated(each, S_a, S_b) for each in drawn]
        S_a, S_b = (np.mean([pair[side] for pair in pairs], axis=0) for side in (0, 1))

    def divergence(S_a, S_b):
        S = np.kron(S_a, S_b)
        return (np.trace(np.linalg.solve(S, F)) + np.linalg.slogdet(S)[1]) / 2

    least = divergence(S_a, S_b)
    for _ in range(20):
        E, H = (0.01 * (x + x.T) for x in (rng.standard_normal((3, 3)), rng.standard_normal((2, 2))))
        assert divergence(S_a + E @ S_a @ E.T + E @ S_a + S_a @ E.T, S_b + H @ S_b + S_b @ H.T + H @ S_b @ H.T) > least


@pytest.mark.parametrize(
    ("optimizer", "squares"),
    [(Shampoo(epsilon=0.5), G**2 + 0.5), (KLShampoo(epsilon=0.5, beta2=0.75, initial=2.0), 3.0 + G**2 / 4 + 0.5)],
)
def test_parameters_of_no_layer_get_adagrad_s_diagonal_or_the_identity(optimizer, squares):
    w = np.zeros(8)
    diagonal, layer = choice(replace(optimizer, uncovered="diagonal"), Partly(), w).matrix.blocks
    identity, same = choice(replace(optimizer, uncovered="identity"), Partly(), w).matrix.blocks
    np.testing.assert_allclose(diagonal.values, np.sqrt(squares[:2]), rtol=1e-15)
    np.testing.assert_array_equal(identity.to_dense(), np.eye(2))
    np.testing.assert_array_equal(layer.to_dense(), same.to_dense())
    state, _ = replace(optimizer, uncovered="diagonal").precondition(optimizer.init(w), Partly().oracle(w))
    again, _ = replace(optimizer, uncovered="diagonal").precondition(state, Partly().oracle(w))
    assert again.right.shape == (6,)
    with pytest.raises(ValueError, match=r'no layer covers the parameters scale: .* got uncovered="refuse"'):
        choice(optimizer, Partly(), w)


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        (Shampoo, {"power": 0.75}, r"power must be a number in \(0, 0\.5\], got 0\.75"),
        (Shampoo, {"accumulation": "mean"}, r"accumulation must be one of 'sum', 'average', got 'mean'"),
        (Shampoo, {"epsilon": 0.0}, r"epsilon must be a finite number > 0, got 0\.0"),
        (Shampoo, {"trace": 1}, r"trace must be True or False, got 1"),
        (Shampoo, {"beta2": 1.0}, r"beta2 must be a number in \[0, 1\), got 1\.0"),
        (KLShampoo, {"coupling": "both"}, r"coupling must be one of 'simultaneous', 'sequential', got 'both'"),
        (KLShampoo, {"initial": 0.0}, r"initial must be a finite number > 0, got 0\.0"),
    ],
)
def test_a_setting_out_of_range_is_refused(method, settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        method(**settings)
