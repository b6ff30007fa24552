"""Muon against 50 digits, torch.optim and optax, and its limits."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from kronecker_truth import PROBLEM, START, G, Partly, X, Y, assert_steps_agree, choice, gradient, points

from sofim_ref import arrays, problems
from sofim_ref.curvature.root_of_square import COEFFICIENTS
from sofim_ref.optimizers import Muon

STEPS = pytest.mark.parametrize("steps", [15, pytest.param(100, marks=pytest.mark.slow)])
NEWTON_SCHULZ = {"orthogonalization": "newton-schulz"}


def polar(N):
    """N (NᵀN)^(-½)."""
    values, Q = mpmath.eigsy(N.T * N)
    return N * Q * mpmath.diag([1 / mpmath.sqrt(value) for value in values]) * Q.T


def newton_schulz(N):
    """Five times X ← aX + b(XXᵀ)X + c(XXᵀ)²X, from N/‖N‖."""
    a, b, c = map(mpmath.mpf, COEFFICIENTS)
    x = N / mpmath.sqrt(mpmath.fsum(n**2 for n in N))
    for _ in range(5):
        square = x * x.T
        x = a * x + (b * square + c * square * square) * x
    return x


def muon(lr, decay, mu, *, nesterov, orthogonalized):
    """M ← μM + G, N = G + μM or M; W ← W − η(orthogonalized N + λW)."""
    W, M, mu = mpmath.matrix(START.reshape(3, 2).tolist()), mpmath.zeros(3, 2), mpmath.mpf(mu)
    while True:
        D = gradient(W)
        M = mu * M + D
        W = W - lr * (orthogonalized(D + mu * M if nesterov else M) + decay * W)
        yield W


@STEPS
@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("orthogonalized", [polar, newton_schulz])
def test_first_steps_are_the_formula_s_in_50_digits(nesterov, orthogonalized, steps):
    way = NEWTON_SCHULZ if orthogonalized is newton_schulz else {}
    found = points(Muon(lr=0.0078125, momentum=0.75, nesterov=nesterov, weight_decay=0.125, **way), steps)
    assert_steps_agree(found, muon(0.0078125, 0.125, 0.75, nesterov=nesterov, orthogonalized=orthogonalized))


@pytest.mark.slow
@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize(("scale", "factor"), [("original", 1.0), ("match_rms_adamw", 0.2 * 3**0.5)])
def test_torch_s_steps_are_these_up_to_bfloat16(nesterov, scale, factor):
    torch = pytest.importorskip("torch")
    w = torch.nn.Parameter(torch.from_numpy(START.reshape(3, 2).T.copy()))  # torch's weight is the transpose
    settings = {"lr": 0.05, "momentum": 0.9, "nesterov": nesterov, "weight_decay": 0.0, "adjust_lr_fn": scale}
    peer, expected = torch.optim.Muon([w], **settings), []
    optimizer = Muon(lr=0.05, momentum=0.9, nesterov=nesterov, scale=scale, **NEWTON_SCHULZ)
    state = optimizer.init(START)
    for _ in range(20):  # at torch's own points, since differences of 1e-2 would grow along a run
        at = w.detach().numpy().T.ravel().copy()
        g = PROBLEM.oracle(at).gradient()
        w.grad = torch.from_numpy(g.reshape(3, 2).T.copy())
        peer.step()
        following, state = optimizer.step(at, state, PROBLEM.oracle(at))
        expected.append(np.linalg.norm(w.detach().numpy().T.ravel() - following))
    assert max(expected) < 0.05 * 0.05 * factor  # bfloat16 has 8 digits in base two
    assert max(expected) > 1e-4 * 0.05 * factor


@pytest.mark.slow
def test_optax_s_steps_are_these_and_its_nesterov_s_those_with_bias_correction():
    pytest.importorskip("jax")
    optax, jnp, jit = pytest.importorskip("optax"), arrays.open_backend("jax").xp, pytest.importorskip("jax").jit
    mu, lr, truth = 0.9, 0.05, lambda w: PROBLEM.oracle(w).gradient()
    for nesterov in (False, True):
        peer = optax.contrib.muon(lr, beta=mu, nesterov=nesterov, eps=1e-30, weight_decay=0.0)
        w, M, update = START, np.zeros(6), jit(peer.update)
        state = peer.init(jnp.asarray(w.reshape(3, 2)))
        for t in range(1, 21):
            g = truth(w)
            M = mu * M + (1 - mu) * g
            # optax has μM/(1 − μᵗ⁺¹) + (1 − μ)g/(1 − μᵗ), where Jordan and torch have μM + (1 − μ)g
            N = mu * M / (1 - mu ** (t + 1)) + (1 - mu) * g / (1 - mu**t) if nesterov else M
            change, state = update(jnp.asarray(g.reshape(3, 2)), state, jnp.asarray(w.reshape(3, 2)))
            told = problems.LeastSquares(np.eye(3), -3 * N.reshape(3, 2), intercept=False)  # its gradient at 0 is N
            ours = choice(Muon(momentum=0.0, **NEWTON_SCHULZ), told, np.zeros(6)).direction
            w = w + np.asarray(change).ravel()
            np.testing.assert_allclose(np.asarray(change).ravel(), -lr * ours, atol=1e-9)
        difference = np.abs(points(Muon(lr=lr, momentum=mu, nesterov=nesterov, **NEWTON_SCHULZ), 20)[-1] - w).max()
        assert 1e-6 < difference < 1e-2 if nesterov else difference < 1e-9


def test_the_step_is_the_polar_factor_and_c_is_the_root_of_its_square():
    for rows, columns in ((3, 2), (2, 3), (1, 6), (6, 1)):
        rng = np.random.default_rng(rows)
        data, targets = rng.standard_normal((8, rows)), rng.standard_normal((8, columns))
        problem, w = problems.LeastSquares(data, targets, intercept=False), rng.standard_normal(6)
        found = choice(Muon(momentum=0.0), problem, w)
        N = problem.oracle(w).gradient().reshape(rows, columns)
        U, sigma, Vt = np.linalg.svd(N, full_matrices=False)
        np.testing.assert_allclose(found.direction.reshape(rows, columns), U @ Vt, atol=1e-12)
        values = np.sort(np.repeat(sigma, max(rows, columns)))
        np.testing.assert_allclose(found.matrix.eigenvalues(), values, rtol=1e-12)


def test_where_n_is_singular_the_step_is_the_partial_isometry():
    rank_one = problems.LeastSquares(X, np.outer(Y[:, 0], [1.0, -1.0]), intercept=False)
    found = choice(Muon(), rank_one, np.zeros(6))
    N = found.vector.reshape(3, 2)
    np.testing.assert_allclose(found.direction.reshape(3, 2), N / np.linalg.norm(N), atol=1e-9)
    assert float(found.matrix.eigenvalues()[0]) == pytest.approx(1e-5 * np.linalg.norm(N), rel=1e-9)
    nowhere = problems.LeastSquares(X, 0 * Y, intercept=False)
    for way in ({}, NEWTON_SCHULZ):
        np.testing.assert_array_equal(choice(Muon(**way), nowhere, np.zeros(6)).direction, np.zeros(6))


def test_newton_schulz_s_function_stays_where_the_docstring_says():
    x = np.geomspace(0.002, 1, 2000)
    N = np.diag(np.sqrt([1 - 1e-12, 1e-12]))
    f = x
    for _ in range(5):
        f = f * (COEFFICIENTS[0] + f**2 * (COEFFICIENTS[1] + f**2 * COEFFICIENTS[2]))
    assert f.min() == pytest.approx(0.682, abs=1e-3)
    assert f.max() == pytest.approx(1.202, abs=1e-3)
    problem = problems.LeastSquares(np.eye(2), -2 * N, intercept=False)  # its gradient at 0 is N
    found = choice(Muon(momentum=0.0, **NEWTON_SCHULZ), problem, np.zeros(4))
    assert float(found.direction[3]) == pytest.approx(3.4445**5 * 1e-6, rel=1e-6)


@pytest.mark.parametrize("way", [{}, NEWTON_SCHULZ], ids=["exact", "newton-schulz"])
def test_the_loss_s_scale_and_the_average_s_convention_do_not_matter(way):
    scaled = problems.LeastSquares(1e3 * X, 1e3 * Y, intercept=False)
    one, other = (points(Muon(lr=0.01, **way), 10, problem) for problem in (PROBLEM, scaled))
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_scales_are_torch_s():
    for shape, original, rms in (((3, 2), 1.0, 0.2 * 3**0.5), ((2, 3), 1.5**0.5, 0.2 * 3**0.5)):
        rng = np.random.default_rng(0)
        data, targets = (rng.standard_normal((5, n)) for n in shape)
        problem = problems.LeastSquares(data, targets, intercept=False)
        plain, one, other = (
            choice(Muon(scale=scale), problem, np.zeros(6)).direction
            for scale in ("none", "original", "match_rms_adamw")
        )
        np.testing.assert_allclose(one, original * plain, rtol=1e-12)
        np.testing.assert_allclose(other, rms * plain, rtol=1e-12)


def test_parameters_of_no_layer_get_signs_or_plain_steps():
    w, optimizer = np.zeros(8), Muon(momentum=0.0)
    signs = choice(replace(optimizer, uncovered="diagonal"), Partly(), w).direction
    plain = choice(replace(optimizer, uncovered="identity"), Partly(), w).direction
    np.testing.assert_allclose(signs[:2], [1.0, -1.0])
    np.testing.assert_array_equal(plain[:2], G[:2])
    np.testing.assert_array_equal(signs[2:], plain[2:])
    with pytest.raises(ValueError, match=r'no layer covers the parameters scale: .* got uncovered="refuse"'):
        choice(optimizer, Partly(), w)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\), got 1\.0"),
        ({"orthogonalization": "svd"}, r"orthogonalization must be one of 'exact', 'newton-schulz', got 'svd'"),
        ({"epsilon": 0.0}, r"epsilon must be a finite number > 0, got 0\.0"),
        ({"epsilon": 1.0}, r"epsilon must be a number in \[0, 1\), got 1\.0"),
        ({"iterations": 0}, r"iterations must be an integer >= 1, got 0"),
        ({"scale": "rms"}, r"scale must be one of 'none', 'original', 'match_rms_adamw', got 'rms'"),
        ({"nesterov": 1}, r"nesterov must be True or False, got 1"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Muon(**settings)
