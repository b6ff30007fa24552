"""How far a gradient may be off: the rounding that each likelihood states, and what 50 digits find of it."""

import numpy as np
import pytest
from oracles import assert_close, exact, host

from sofim_ref.likelihoods import Bernoulli, Categorical, Gaussian, LocationScale, Poisson

L = np.log(3.0)
STATED = [
    (Gaussian(), [[3.0, -1.0]], [[1.0, 1.0]], [[2.0, 2.0]]),
    (Bernoulli(), [[0.0]], [[1.0]], [[8 * 0.5]]),
    (Categorical(), [[0.0, 0.0]], [[1.0, 0.0]], [[0.5 * (2 + 10 + 2), 0.5 * (2 + 10)]]),
    (Categorical(), [[L, 0.0]], [[0.0, 1.0]], [[0.75 * (12 + L / 4), 0.75 * (14 + L / 4)]]),
    (Categorical(), [[L, 0.0]], [[1.0, 0.0]], [[0.25 * (14 + L + L / 4), 0.25 * (12 + L + L / 4)]]),
    (Poisson(), [[0.0]], [[3.0]], [[4 + 2.0]]),
    (LocationScale(), [[1.0, np.log(2.0)]], [[5.0]], [[20 * 2 / 2, 20 * 4 + 1.0]]),
]


@pytest.mark.parametrize(("likelihood", "f", "y", "rounding"), STATED)
def test_it_is_as_stated(numpy_place, likelihood, f, y, rounding):
    f, y = numpy_place.asarray(f), numpy_place.asarray(y)
    assert_close(likelihood.gradient_rounding(f, y), rounding, within=1e-13)


def truth(likelihood, f, y):
    """The gradient at the very numbers f, in 50 digits."""
    f, y = [exact.mpf(float(t)) for t in f], [exact.mpf(float(t)) for t in y]
    match likelihood:
        case Gaussian():
            return [a - b for a, b in zip(f, y, strict=True)]
        case Bernoulli():
            return [1 / (1 + exact.exp(-f[0])) - y[0]]
        case Categorical():
            total = sum(map(exact.exp, f))
            return [exact.exp(a) / total - b for a, b in zip(f, y, strict=True)]
        case Poisson():
            return [exact.exp(a) - b for a, b in zip(f, y, strict=True)]
        case LocationScale():
            r = (y[0] - f[0]) * exact.exp(-f[1])
            return [-r * exact.exp(-f[1]), 1 - r * r]


def outputs_and_targets(likelihood, rng, N):
    """Outputs of every size, and targets that cancel: a count near its mean, a value one standard deviation away."""
    size = 10.0 ** rng.uniform(-2, 1, (N, 1))
    match likelihood:
        case Gaussian():
            f = size * rng.standard_normal((N, 2))
            return f, f + 1e-9 * rng.standard_normal((N, 2))
        case Bernoulli():
            return size * rng.standard_normal((N, 1)), rng.integers(0, 2, (N, 1))
        case Categorical():
            return size * rng.standard_normal((N, 3)), np.eye(3)[rng.integers(0, 3, N)]
        case Poisson():
            y = rng.integers(1, 50, (N, 1))
            return np.log(y), y
        case LocationScale():
            f = rng.standard_normal((N, 2))
            return f, f[:, :1] + np.exp(f[:, 1:])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("likelihood", [Gaussian(), Bernoulli(), Categorical(), Poisson(), LocationScale()])
def test_no_gradient_is_off_by_more(numpy_place, likelihood, dtype):
    f, y = (
        numpy_place.asarray(np.asarray(x, dtype), dtype)
        for x in outputs_and_targets(likelihood, np.random.default_rng(7), 60)
    )
    exactly = np.asarray([truth(likelihood, *row) for row in zip(host(f), host(y), strict=True)])
    off = np.abs((exactly - host(likelihood.gradient(f, y))).astype(np.float64))
    assert np.all(off <= host(likelihood.gradient_rounding(f, y)) * numpy_place.eps(dtype))
