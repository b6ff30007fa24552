"""What every likelihood keeps: the contract of `Likelihood`, against JAX and against labels listed one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_at, assert_close, host, loss_derivatives, output_fisher

from sofim_ref import likelihoods

CASES = {
    "Gaussian": (likelihoods.Gaussian(), 3, lambda rng, N: rng.standard_normal((N, 3))),
    "Bernoulli": (likelihoods.Bernoulli(), 1, lambda rng, N: rng.integers(0, 2, N)),
    "Categorical": (likelihoods.Categorical(), 3, lambda rng, N: rng.integers(0, 3, N)),
}
EVERY_LIKELIHOOD = pytest.mark.parametrize("name", CASES)
N = 24


def draw(xp, name, dtype, seed=0, size=2.0):
    """Likelihood, outputs and encoded targets on the place; outputs and raw targets on the host."""
    likelihood, C, targets = CASES[name]
    rng = np.random.default_rng(seed)
    f = xp.asarray(size * rng.standard_normal((N, C)), dtype)
    raw = targets(rng, N).astype(dtype if name == "Gaussian" else np.int64)
    y = likelihood.encode(xp.asarray(raw, dtype), like=f, outputs=C)
    return likelihood, f, y, host(f), raw.astype(np.float64) if name == "Gaussian" else raw


@EVERY_LIKELIHOOD
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=5)
def test_loss_gradient_and_hessian_are_what_jax_derives(xp, name, seed):
    for dtype in xp.dtypes:
        likelihood, f, y, f_host, raw = draw(xp, name, dtype, seed)
        loss, gradient, hessian = loss_derivatives(name)(f_host, raw)
        within = 16 * xp.eps(dtype) * (1 + np.max(np.abs(f_host)))
        assert_close(likelihood.loss(f, y), loss, within=within * (1 + np.max(loss)))
        assert_close(likelihood.gradient(f, y), gradient, within=within * (1 + np.max(np.abs(gradient))))
        assert_close(likelihood.hessian(f, y), hessian, within=within)


@EVERY_LIKELIHOOD
def test_fisher_is_the_mean_over_labels_that_the_model_predicts(xp, name):
    for dtype in xp.dtypes:
        likelihood, f, _, f_host, _ = draw(xp, name, dtype)
        within = 16 * xp.eps(dtype) * (1 + np.max(np.abs(f_host)))
        assert_close(likelihood.fisher(f), output_fisher(name, f_host), within=within)


@EVERY_LIKELIHOOD
def test_fisher_factor_times_its_transpose_is_fisher(xp, name):
    for dtype in xp.dtypes:
        likelihood, f, _, _, _ = draw(xp, name, dtype)
        S = host(likelihood.fisher_factor(f))
        assert_close(likelihood.fisher(f), S @ S.transpose(0, 2, 1), within=16 * xp.eps(dtype))


@EVERY_LIKELIHOOD
@pytest.mark.parametrize("size", [700.0, 1000.0])
def test_extreme_outputs_give_finite_answers(xp, name, size):
    for dtype in xp.dtypes:
        likelihood, f, y, f_host, _ = draw(xp, name, dtype)
        f = xp.asarray(np.sign(f_host) * size, dtype)
        for answer in (
            likelihood.loss(f, y),
            likelihood.gradient(f, y),
            likelihood.hessian(f, y),
            likelihood.fisher_factor(f),
            likelihood.error(f, y),
        ):
            assert np.all(np.isfinite(host(answer)))
        assert np.all(host(likelihood.loss(f, y)) >= 0)


@EVERY_LIKELIHOOD
def test_mean_squared_gradient_of_samples_is_fisher(xp, name):
    likelihood, C, _ = CASES[name]
    draws, center = 4000, np.linspace(-1, 1, C) + 0.5
    f = xp.asarray(np.broadcast_to(center, (draws, C)))
    y = likelihood.sample(f, np.random.default_rng(0))
    assert_at(y, f)
    g = host(likelihood.gradient(f, y))
    products = g[:, :, None] * g[:, None, :]
    within = 5 * np.max(np.std(products, axis=0)) / draws**0.5
    truth = output_fisher(name, center[None])[0]
    assert_close(xp.asarray(np.mean(products, axis=0)), truth, within=within)
    assert_close(xp.asarray(np.mean(g, axis=0)), np.zeros(C), within=5 * np.max(np.std(g, axis=0)) / draws**0.5)


def test_normal_samples_are_the_mean_plus_the_generator_s_numbers(numpy_place):
    f, noise = (
        numpy_place.asarray(np.asarray([[1.0, 0.5], [-2.0, 0.0]])),
        np.random.default_rng(3).standard_normal((2, 2)),
    )
    assert_close(likelihoods.Gaussian().sample(f, np.random.default_rng(3)), f + noise, within=0)
    noise = np.random.default_rng(3).standard_normal(2)
    drawn = likelihoods.LocationScale().sample(f, np.random.default_rng(3))
    assert_close(drawn, (f[:, 0] + np.exp(f[:, 1]) * noise)[:, None], within=4 * numpy_place.eps())


@EVERY_LIKELIHOOD
def test_samples_are_the_same_on_every_backend(xp, numpy_place, name):
    likelihood, f, _, f_host, _ = draw(xp, name, xp.widest)
    there = likelihood.sample(f, np.random.default_rng(3))
    here = likelihood.sample(numpy_place.asarray(f_host), np.random.default_rng(3))
    assert_close(there, host(here), within=4 * xp.eps() * (1 + np.max(np.abs(host(here)))))


@EVERY_LIKELIHOOD
def test_results_stay_on_the_place_and_keep_the_dtype(xp, name):
    for dtype in xp.dtypes:
        likelihood, f, y, _, _ = draw(xp, name, dtype)
        C = f.shape[1]
        shapes = {"loss": (N,), "gradient": (N, C), "hessian": (N, C, C), "error": ()}
        for method, shape in shapes.items():
            answer = getattr(likelihood, method)(f, y)
            assert_at(answer, f)
            assert tuple(answer.shape) == shape
        assert_at(y, f)


@EVERY_LIKELIHOOD
def test_second_derivative_keeps_its_bounds(name):
    likelihood, C, _ = CASES[name]
    rng = np.random.default_rng(0)
    f = np.concatenate([size * rng.standard_normal((400, C)) for size in (0.1, 1.0, 10.0)])
    low, high, _ = likelihood.bounds
    eigenvalues = np.linalg.eigvalsh(output_fisher(name, f))
    assert low - 1e-12 <= np.min(eigenvalues)
    assert np.max(eigenvalues) <= high + 1e-12


@EVERY_LIKELIHOOD
def test_targets_that_are_no_array_of_numbers_are_refused(numpy_place, name):
    likelihood, C, _ = CASES[name]
    like = numpy_place.asarray(np.zeros((2, 2)))
    with pytest.raises(
        TypeError, match=r"targets must be an array .*, got <class 'list'>: pass np\.asarray\(targets\)"
    ):
        likelihood.encode([0, 1], like=like, outputs=C)
    with pytest.raises(TypeError, match=r"targets must be real numbers, got dtype <U4: number text labels first, with"):
        likelihood.encode(np.asarray(["malt", "hops"]), like=like, outputs=C)


@EVERY_LIKELIHOOD
def test_the_name_of_the_error_says_what_it_measures(name):
    assert CASES[name][0].error_name in ("mean squared error", "share misclassified")
