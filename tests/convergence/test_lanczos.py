"""The bracket of a spectral norm contains it, whatever the spectrum is."""

import numpy as np
import pytest

from sofim_ref.convergence.lanczos import ITERATIONS, norm_bracket


def bracket(K):
    return norm_bracket(lambda v: K @ v, lambda v: K.T @ v, len(K))


def with_singular_values(values, rng):
    U, V = (np.linalg.qr(rng.standard_normal((len(values), len(values))))[0] for _ in range(2))
    return (U * values) @ V.T


D = 2 * ITERATIONS
SPECTRA = {
    "even": np.linspace(1e-3, 1, D),
    "one apart": np.append(np.full(D - 1, 1e-6), 1.0),
    "one hardly apart": np.append(np.full(D - 1, 1.0), 1 + 1e-9),
    "clustered at the top": 1 - np.geomspace(1e-12, 1, D),
    "all equal": np.ones(D),
    "of rank three": np.append(np.zeros(D - 3), [1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("kind", SPECTRA)
def test_it_contains_the_norm(kind):
    values = SPECTRA[kind]
    lower, upper = bracket(with_singular_values(values, np.random.default_rng(1)))
    assert lower <= values.max() * (1 + 1e-13)
    assert values.max() <= upper * (1 + 1e-13)
    assert upper <= 1.015 * lower


@pytest.mark.parametrize("d", [1, 2, ITERATIONS])
def test_it_is_the_norm_where_the_iterations_span_the_space(d):
    K = np.random.default_rng(0).standard_normal((d, d))
    np.testing.assert_allclose(bracket(K), np.linalg.norm(K, 2), rtol=1e-12)


def test_its_ends_are_as_far_apart_as_the_theorem_has_it_after_100_iterations():
    lower, upper = bracket(np.diag(np.linspace(1, 2, D)))
    root = np.log(1.648 * D**0.5 / 1e-12) / (2 * 100 - 1)
    assert lower / upper == pytest.approx((1 - root**2) ** 0.5, rel=1e-14, abs=0)


def test_of_zero_it_is_zero():
    assert bracket(np.zeros((D, D))) == (0.0, 0.0)


def test_what_overflows_has_no_upper_bound():
    with np.errstate(all="ignore"):
        assert bracket(np.full((D, D), 1e200)) == (0.0, np.inf)
