"""The parts of a difference quotient that are formulas: the noise of values, and an extrapolated slope."""

import math

import numpy as np
import pytest

from sofim_ref.problems.difference_quotient import NOISE_POINTS, noise, slope

EPS = np.finfo(np.float64).eps


@pytest.mark.parametrize(("seed", "largest"), [(4, 4), (2, 5)])
def test_noise_is_the_largest_of_two_scaled_differences(seed, largest):
    values = np.random.default_rng(seed).standard_normal(NOISE_POINTS)
    sigma = {
        k: math.sqrt(math.factorial(k) ** 2 / math.factorial(2 * k) * np.mean(np.diff(values, k) ** 2)) for k in (4, 5)
    }
    assert max(sigma, key=sigma.get) == largest
    assert noise(values) == pytest.approx(sigma[largest], rel=1e-12)


def test_noise_of_a_cubic_is_none():
    assert noise([float(k**3 - 2 * k) for k in range(NOISE_POINTS)]) == 0.0


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_a_cubic_s_slope_is_exact_up_to_its_stated_rounding(scale):
    """Extrapolation takes h² out; the first rung has no neighbour, and the second R is already the slope."""
    found = slope(lambda t: 0.5 + 2 * t + 3 * t**3, scale, claimed=2.0, rounding=EPS, eps=EPS)
    assert abs(found.value - 2) <= found.error <= 1e-12 / scale


def test_a_kink_is_part_of_the_error():
    found = slope(lambda t: abs(t) + t, 1.0, claimed=1.0, rounding=EPS, eps=EPS)
    assert abs(found.value - 1) <= 1e-12
    assert found.kink == pytest.approx(2.0, rel=1e-12)
    assert found.error == pytest.approx(10 * found.kink, rel=1e-6)


def test_where_nothing_has_a_value_nothing_is_known():
    found = slope(lambda t: math.log(-1) if t else 0.0, 1.0, claimed=0.0, rounding=EPS, eps=EPS)
    assert math.isnan(found.value)
    assert found.error == math.inf
