import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sofim_ref.convergence import order_of_convergence


@given(q=st.sampled_from([1.2, 1.5, 2.0, 3.0]), r=st.floats(0.2, 1.0), start=st.floats(0.05, 0.5))
def test_order_and_rate_of_a_power_law_are_found(q, r, start):
    errors = [start]
    while errors[-1] > 1e-60 and len(errors) < 40:
        errors.append(r * errors[-1] ** q)
    found = order_of_convergence(errors, floor=1e-70)
    np.testing.assert_allclose(found.order, q, rtol=1e-9)
    np.testing.assert_allclose(np.log(found.rate), np.log(r), atol=1e-6)


@given(r=st.floats(0.05, 0.99))
def test_a_linear_sequence_has_order_1_and_its_rate(r):
    errors = r ** np.arange(12.0)
    found = order_of_convergence(errors, floor=0.0)
    np.testing.assert_allclose(found.order, 1.0, rtol=1e-6)
    assert order_of_convergence(errors, order=1, floor=0.0).rate == pytest.approx(r, rel=1e-12)


def test_the_error_bar_covers_the_truth_about_as_often_as_it_should():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(300):
        before = 10.0 ** rng.uniform(-6, -1, 40)
        after = 0.7 * before**2 * np.exp(0.1 * rng.standard_normal(40))
        found = order_of_convergence(before, after, floor=0.0)
        hits += abs(found.order - 2) <= 2 * found.order_error
    assert 0.9 <= hits / 300 <= 0.99  # two standard errors of 20 points: 94 %


def test_only_the_last_half_above_the_floor_is_fitted():
    errors = np.concatenate([0.99 ** np.arange(10), 0.5 ** np.arange(12), np.full(9, 1e-17)])
    found = order_of_convergence(errors, order=1, floor=1e-16)
    assert found.rate == pytest.approx(0.5)
    assert (found.first, found.last) == (10, 21)


@pytest.mark.parametrize("tail", [[3e-16, 2e-16, 3e-16, 1e-16], [0.0, 0.0, 0.0, 0.0]])
def test_a_sequence_at_the_floor_of_the_arithmetic_is_refused(tail):
    with pytest.raises(ValueError, match=r"at least 3 steps above the floor .* what is left to fit is rounding"):
        order_of_convergence([1.0, 1e-8, *tail])


def test_what_comes_back_from_the_floor_is_not_fitted():
    errors = [1.0, 1e-1, 1e-2, 1e-3, 1e-17, 0.5, 0.4, 0.3]
    assert order_of_convergence(errors, order=1).last == 3


@pytest.mark.parametrize(("last", "kept"), [(1000.0, 3), (1000.5, 4)])
def test_the_floor_is_a_thousand_eps_of_the_largest_error(last, kept):
    errors = 0.125 * np.asarray([1e-3, 1.0, 0.1, 0.01, 1e-3, last * np.finfo(float).eps])
    assert order_of_convergence(errors[1:], order=1).last == kept
    assert order_of_convergence(errors[:-1], np.append(errors[1:-1], errors[-1]), order=1).last == kept + 1


def test_steps_that_begin_at_the_floor_are_left_out_and_later_ones_are_not():
    floor = 1000 * np.finfo(float).eps
    found = order_of_convergence([1.0, 0.5, 0.25, floor], [0.5, 0.25, 0.125, 0.1], order=1)
    assert (found.rate, found.last) == (pytest.approx(0.5, rel=1e-14), 3)
    assert order_of_convergence([1.0, 1.0, 0.5, 0.25], [0.0, 0.5, 0.25, 0.125], order=1).first == 1


def test_a_rate_s_standard_error_is_that_of_the_mean_of_its_logarithm():
    ratios = np.asarray([0.5, 0.25, 0.3])
    found = order_of_convergence([1.0, 0.1, 0.01], ratios * [1.0, 0.01, 1e-4], order=2)
    rate = np.prod(ratios) ** (1 / 3)
    error = rate * np.std(np.log(ratios), ddof=1) / 3**0.5
    np.testing.assert_allclose([found.rate, found.rate_error, found.order_error], [rate, error, 0.0], rtol=1e-12)
    assert (found.first, found.last) == (0, 3)


def test_the_errors_of_a_line_are_the_regression_s():
    x, y = np.log([1.0, 0.1, 0.02]), np.log([0.5, 0.01, 1e-3])
    fit, covariance = np.polyfit(x, y, 1, cov=True)
    found = order_of_convergence(np.exp(x), np.exp(y))
    expected = [fit[0], covariance[0, 0] ** 0.5, np.exp(fit[1]), np.exp(fit[1]) * covariance[1, 1] ** 0.5]
    np.testing.assert_allclose([found.order, found.order_error, found.rate, found.rate_error], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("errors", "following", "message"),
    [
        ([1.0, -1.0], None, "errors must be finite numbers >= 0, got -1.0"),
        ([1.0, np.nan], None, "errors must be finite numbers >= 0, got nan"),
        ([1.0, 1.0, 1.0, 1.0, 1.0], None, "errors must differ"),
        ([1.0, 0.5], [0.1], "two sequences of one length"),
        (np.ones((2, 2)), None, "two sequences of one length"),
        ([], None, "at least 3 steps"),
    ],
)
def test_what_has_no_order_is_refused(errors, following, message):
    with pytest.raises(ValueError, match=message):
        order_of_convergence(errors, following)
