import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_at, exact, host, numbers

from sofim_ref import arrays
from sofim_ref.arrays import sums


@given(entries=st.lists(st.floats(-1, 1, width=32), min_size=6, max_size=6), exponent=st.integers(-30, 37))
def test_norm_is_exact_to_a_few_eps_at_every_scale(xp, entries, exponent):
    x = (np.asarray(entries) * 10.0**exponent).astype(np.float32)
    x[np.abs(x) < 1e-30] = 0
    truth = exact.norm(numbers(x))
    assert abs(float(sums.norm(xp.asarray(x, "float32"))) - truth) <= 4 * xp.eps("float32") * truth


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norm_neither_overflows_nor_underflows(xp, size):
    if xp.widest == "float32":
        pytest.skip("this place has no float64")
    x = xp.asarray(np.asarray([3.0, 4.0]) * size)
    assert host(sums.norm(x)) == pytest.approx(5 * size, rel=4 * xp.eps())
    assert_at(sums.norm(x), x)


def test_largest_magnitude_is_never_zero(xp):
    for dtype in xp.dtypes:
        x = xp.asarray(np.asarray([[0.0, -3.0], [0.0, 2.0]]), dtype)
        np.testing.assert_array_equal(host(sums.largest_magnitude(x)), [float(np.finfo(dtype).tiny), 3.0])
        assert_at(sums.largest_magnitude(x), x)


@pytest.mark.parametrize("columns", [None, 2])
@pytest.mark.parametrize("d", [3, 128, 129, 200_000])
def test_a_dot_product_of_equal_numbers_loses_no_digits(xp, d, columns):
    x = xp.asarray(np.full(d, 0.1), "float32")
    y = xp.asarray(np.full((d,) if columns is None else (d, columns), 0.3), "float32")
    truth = d * float(np.float32(0.1)) * float(np.float32(0.3))
    assert_at(sums.dot(x, y), x)
    assert np.max(np.abs(host(sums.dot(x, y)) - truth)) <= 32 * xp.eps("float32") * truth


def test_what_is_widened_comes_back_narrowed(xp):
    x = xp.asarray(np.ones(2), "float32")
    wide = sums.widened(x)
    widest = list(arrays.Backend.dtypes(xp.backend))[-1]  # of the device, whatever the place is confined to
    assert str(wide.dtype).endswith(widest)
    assert sums.widened(wide) is wide
    assert_at(sums.narrowed(wide, like=x), x)
