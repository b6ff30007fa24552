"""The parts of a difference quotient that are formulas: the noise of values, and an extrapolated slope."""

import math

import numpy as np
import pytest

from sofim_ref.problems.difference_quotient import NOISE_POINTS, Slope, _contradicted, noise, slope

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
    assert found.kink == 0


def test_a_kink_is_part_of_the_error():
    found = slope(lambda t: abs(t) + t, 1.0, claimed=1.0, rounding=EPS, eps=EPS)
    assert abs(found.value - 1) <= 1e-12
    assert found.kink == pytest.approx(2.0, rel=1e-12)
    assert found.error == pytest.approx(10 * found.kink, rel=1e-6)


def test_where_nothing_has_a_value_nothing_is_known():
    found = slope(lambda t: math.log(-1) if t else 0.0, 1.0, claimed=0.0, rounding=EPS, eps=EPS)
    assert math.isnan(found.value)
    assert (found.error, found.kink) == (math.inf, 0)


# ------------------------------------------------------------ rung by rung; a step is 4⁻ᵏ of the scale


def offsets_of(f, scale, claimed, eps=EPS):
    seen = []
    slope(lambda t: seen.append(t) or f(t), scale, claimed=claimed, rounding=eps, eps=eps)
    return seen


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_ladder_goes_down_to_scale_times_eps_to_two_thirds_where_the_claim_is_wrong(scale):
    expected = [0.0] + [sign * scale / 4**k for k in range(1, 19) for sign in (1, -1)]
    assert 4.0**-18 < EPS ** (2 / 3) < 4.0**-17
    assert offsets_of(math.exp, scale, claimed=2.0) == expected
    assert offsets_of(math.exp, scale, claimed=-1.0) == expected


def test_it_ends_where_rounding_exceeds_truncation_if_the_claim_is_right():
    assert len(offsets_of(math.exp, 1.0, claimed=1.0)) < 15


def test_the_error_of_a_line_is_rounding_alone():
    """The fourth step is the first with two changes before it; later ones divide rounding by less."""
    c, scale, rounding, eps = 3.0, 2.0, 1e-9, 2.0**-30
    found = slope(lambda t: c * t, scale, claimed=c, rounding=rounding, eps=eps)
    h = scale / 4**4
    assert found.value == c
    assert found.kink == 0
    assert found.error == pytest.approx(3 * (rounding + eps * c * h) / h + eps * scale * c / h, rel=1e-12)


def test_the_error_of_a_fifth_power_is_two_changes():
    """R(h) = −16 h⁴, so it changes by 4080 h⁴, and by 256 times as much before."""
    eps = 2.0**-14
    found = slope(lambda t: t**5, 1.0, claimed=0.0, rounding=0.0, eps=eps)
    h = 4.0**-5
    assert h < eps ** (2 / 3) < 4 * h
    assert found.value == pytest.approx(-16 * h**4, rel=1e-12)
    assert found.error == pytest.approx(4080 * h**4 * (1 + 256 / 16) + 3 * eps * h**4 + eps * h**3, rel=1e-12)
    assert found.kink == 0


def test_what_falls_by_more_than_half_is_smooth():
    """4⁻⁰·⁶⁶ = 0.4: neither the jump of an even function nor the change of an odd one is a kink."""
    for f in (lambda t: abs(t) ** 1.66, lambda t: math.copysign(abs(t) ** 1.66, t)):
        found = slope(f, 1.0, claimed=0.0, rounding=0.0, eps=EPS)
        assert found.kink == 0
        assert found.error < 1e-5


def test_what_exceeds_half_by_more_than_twice_the_rounding_is_a_kink():
    """By 2.5 times, at the first step that is compared: |t|, with K = 2 throughout, and 0.6 of the change before."""
    jump = slope(abs, 1.0, claimed=0.0, rounding=0.4 / (3 * 4**3), eps=1e-9)
    assert jump.kink == 2
    power = -math.log(0.6, 4)
    odd = slope(lambda t: math.copysign(abs(t) ** (1 + power), t), 1.0, claimed=0.0, rounding=7.2e-6, eps=1e-9)
    changes = [0.4 * 0.6**k * (16 - 1 / 0.6) / 15 for k in range(4)]
    assert 2 < (changes[3] - changes[2] / 2) / (3 * 7.2e-6 * 4**4) < 3
    assert odd.kink == pytest.approx(changes[3], rel=1e-3)


@pytest.mark.parametrize(("near", "rounding"), [(0.002, 0.0), (0.00181, 4.2e-5)])
def test_a_kink_is_gone_after_two_steps_of_half_of_it(near, rounding):
    """Two kinks, at ±`near`. The last two of five steps have K <= half the largest, less twice the rounding."""
    eps, h = 2.0**-14, 4.0 ** -np.arange(1, 6)
    f = np.maximum(h - near, 0)
    J = 2 * f / h
    K = (4 * J[1:] - J[:-1]) / 3
    rounded = (3 * (rounding + eps * f) + eps * J)[1:] / h[1:]
    assert max(K) / 3 < K[2]
    assert (abs(K) + 2 * rounded <= max(K) / 2).tolist() == [False, False, True, True]
    assert rounding == 0 or K[2] + 3 * rounded[2] > max(K) / 2
    found = slope(lambda t: max(abs(t) - near, 0.0), 1.0, claimed=0.0, rounding=rounding, eps=eps)
    assert found.value == 0
    assert found.error < 1


def test_a_longer_step_s_estimate_errs_by_what_a_shorter_one_shows():
    assert _contradicted(Slope(5.0, 0.1, 0.0), 2.0, 0.5) == Slope(5.0, 2.5, 2.5)
    unmoved = Slope(5.0, 0.25, 0.0)
    assert _contradicted(unmoved, 4.5, 0.25) == unmoved
