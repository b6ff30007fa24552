import numpy as np
import pytest
from oracles import assert_close, dense_error, host

from sofim_ref.matrices import ScaledIdentity


@pytest.mark.parametrize("scale", [1e-30, 0.3, 7, 1e30])
def test_solve_errs_by_one_eps_at_most(xp, scale):
    for dtype in xp.dtypes:
        v = xp.asarray(np.linspace(-1, 1, 4), dtype)
        x = ScaledIdentity(scale, v).solve(v)
        assert dense_error(scale * np.eye(4), host(x), host(v)) <= xp.eps(dtype)


def test_values_of_the_vector_do_not_matter(xp):
    v = xp.asarray(np.asarray([np.nan, 1.0]))
    assert_close(ScaledIdentity(2.0, v).to_dense(), 2 * np.eye(2), within=0)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_a_scale_that_is_not_positive_is_refused(numpy_place, scale):
    with pytest.raises(ValueError, match=r"scale must be a finite number > 0, got "):
        ScaledIdentity(scale, numpy_place.asarray(np.zeros(2)))


def test_a_scale_that_the_dtype_cannot_hold_is_refused(xp):
    v = xp.asarray(np.zeros(2), "float32")
    with pytest.raises(
        ValueError, match=r"scale must be at least 1\.175e-38, the smallest normal .*float32, got 1e-60"
    ):
        ScaledIdentity(1e-60, v)
    with pytest.raises(
        ValueError, match=r"scale must be at most 8\.507e\+37, one over the smallest normal .*float32, got 1e\+60"
    ):
        ScaledIdentity(1e60, v)


def test_a_vector_that_is_none_is_refused(xp):
    with pytest.raises(TypeError, match=r"scale must be a finite number > 0, got '1'"):
        ScaledIdentity("1", xp.asarray(np.zeros(2)))
    with pytest.raises(ValueError, match=r"vector must be 1-D, got shape \(2, 1\)"):
        ScaledIdentity(1.0, xp.asarray(np.zeros((2, 1))))
    with pytest.raises(TypeError, match=r"vector must have a real floating-point dtype, got .*int64"):
        ScaledIdentity(1.0, xp.asarray(np.zeros(2, dtype=np.int64)))
