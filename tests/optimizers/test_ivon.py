"""IVON against its formulas in 50 digits, and what is known of its C."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from sofim_ref import minimize, problems
from sofim_ref.convergence import linear_quadratic_bound
from sofim_ref.optimizers import IVON

A = np.asarray([[3.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 0.125]])
B = np.asarray([1.0, -2.0, 0.5])
PROBLEM, START = problems.Quadratic(A, B), np.asarray([2.0, 1.0, -3.0])


def in_50_digits(optimizer, N, steps):
    """The points of Algorithm 1, line by line, h and not h + δ carried, with the ε of NumPy's generator."""
    with mpmath.workdps(50):
        exact, b, w = mpmath.matrix(A.tolist()), mpmath.matrix(B.tolist()), mpmath.matrix(START.tolist())
        names = ("lr", "delta", "beta1", "beta2", "initial_hessian", "weight_decay")
        lr, delta, b1, b2, h0, decay = (mpmath.mpf(getattr(optimizer, name)) for name in names)
        m, h = [mpmath.mpf(0)] * 3, [h0] * 3
        for t in range(1, steps + 1):
            rng, S = np.random.default_rng((optimizer.seed, t - 1)), optimizer.samples
            sigma = [1 / mpmath.sqrt(N * (hi + delta)) for hi in h]
            g_hat, h_hat = [mpmath.mpf(0)] * 3, [mpmath.mpf(0)] * 3
            for _ in range(S):
                epsilon = [mpmath.mpf(x) for x in rng.standard_normal(3)]
                g = exact * mpmath.matrix([wi + s * e for wi, s, e in zip(w, sigma, epsilon, strict=True)]) - b
                g_hat = [x + gi / S for x, gi in zip(g_hat, g, strict=True)]
                h_hat = [x + gi * e / s / S for x, gi, e, s in zip(h_hat, g, epsilon, sigma, strict=True)]
            m = [b1 * mi + (1 - b1) * gi for mi, gi in zip(m, g_hat, strict=True)]
            h = [
                b2 * hi + (1 - b2) * f + (1 - b2) ** 2 * (hi - f) ** 2 / (2 * (hi + delta))
                for hi, f in zip(h, h_hat, strict=True)
            ]
            u = [(mi / (1 - b1**t) + delta * wi) / (hi + delta) for mi, wi, hi in zip(m, w, h, strict=True)]
            w = mpmath.matrix([wi - lr * (ui + decay * wi) for wi, ui in zip(w, u, strict=True)])
            yield np.asarray([float(x) for x in w])


@pytest.mark.parametrize(
    ("settings", "N"),
    [({}, 1), ({"beta2": 0.9, "delta": 0.1, "samples": 2, "seed": 3, "effective_size": 50.0, "weight_decay": 0.1}, 50)],
)
def test_a_hundred_steps_are_the_paper_s_in_50_digits(settings, N):
    optimizer = IVON(**settings)
    found = minimize(PROBLEM, optimizer, steps=100, w0=START, store_points=True).points[1:]
    for w, truth in zip(found, in_50_digits(optimizer, N, 100), strict=True):
        assert np.linalg.norm(w - truth) <= 1e-10 * np.linalg.norm(truth)


@pytest.mark.parametrize("estimate", [-1e6, -3.0, 0.0, 1e6])
def test_its_curvature_stays_positive_and_at_most_halves(estimate):
    """ε∘∇f/σ is that number where the gradient is a multiple of ε, whatever the point."""
    optimizer = IVON(beta2=0.5, delta=0.1)
    sigma = 1 / np.sqrt(1.1)
    epsilon = np.random.default_rng((0, 0)).standard_normal(1)
    line = problems.Function(1, lambda w: w[0], lambda _: estimate * sigma / epsilon)
    state = optimizer.init(np.ones(1))
    _, choice = optimizer.precondition(state, line.oracle(np.ones(1)))
    u = 0.5 * (estimate - 1.0) / 1.1
    assert choice.matrix.values[0] == pytest.approx(1.1 * (1 + u + u * u / 2), rel=1e-12)
    assert choice.matrix.values[0] >= 1.1 / 2


def test_of_many_examples_the_posterior_is_narrow_and_the_gradient_that_at_w():
    optimizer = IVON(effective_size=1e30, delta=0.2)
    _, choice = optimizer.precondition(optimizer.init(START), PROBLEM.oracle(START))
    np.testing.assert_allclose(choice.vector, A @ START - B + 0.2 * START, rtol=1e-12)
    np.testing.assert_allclose(optimizer.deviation(optimizer.init(START), 4.0), 0.5 / np.sqrt(1.2), rtol=1e-15)


def test_gradients_are_asked_for_where_the_noise_leads_and_counted():
    oracle = PROBLEM.oracle(START)
    optimizer = IVON(samples=3)
    optimizer.step(START, optimizer.init(START), oracle)
    assert oracle.calls == {"gradient": 3}
    assert replace(optimizer, samples=1).needs == {"gradient"}


def test_its_v_is_no_moment_of_the_run_s_gradients_and_its_certificate_says_so():
    trace = minimize(PROBLEM, IVON(), steps=3, w0=START, store_points=True)
    found = linear_quadratic_bound(PROBLEM, IVON(), trace)
    assert found.holds is None
    assert "v is neither the gradient nor" in found.reason


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"delta": 0.0}, r"delta must be a finite number > 0, got 0\.0"),
        ({"initial_hessian": -1.0}, r"initial_hessian must be a finite number > 0, got -1\.0"),
        ({"effective_size": 0.0}, r"effective_size must be a finite number > 0, got 0\.0"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        IVON(**settings)
