import numpy as np
import pytest
from oracles import assert_close

from sofim_ref.likelihoods import Gaussian


def test_outputs_are_the_columns_of_the_targets(xp):
    assert Gaussian().outputs(xp.asarray(np.ones(4))) == 1
    assert Gaussian().outputs(xp.asarray(np.ones((4, 3)))) == 3


def test_targets_of_any_dtype_become_a_column(xp):
    like = xp.asarray(np.ones(1))
    y = Gaussian().encode(xp.asarray(np.asarray([1, 2])), like=like, outputs=1)
    assert_close(y, [[1.0], [2.0]], within=0)


def test_error_is_the_mean_squared_distance(xp):
    f, y = xp.asarray(np.asarray([[1.0, 2.0], [0.0, 0.0]])), xp.asarray(np.zeros((2, 2)))
    assert_close(Gaussian().error(f, y), 2.5, within=4 * xp.eps())


def test_bounds_are_those_of_a_parabola():
    assert Gaussian().bounds == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_targets_that_are_not_finite_in_the_dtype_are_refused(xp, bad):
    like = xp.asarray(np.ones(1), "float32")
    with pytest.raises(ValueError, match=r"targets must be finite, got NaN or infinity"):
        Gaussian().encode(np.asarray([1.0, bad]), like=like, outputs=1)


def test_targets_of_another_shape_are_refused(xp):
    like = xp.asarray(np.ones(1))
    with pytest.raises(ValueError, match=r"targets must have shape \(N,\) or \(N, C\), got \(2, 1, 1\)"):
        Gaussian().encode(xp.asarray(np.ones((2, 1, 1))), like=like, outputs=1)
    with pytest.raises(ValueError, match=r"targets must have 1 columns, got 2"):
        Gaussian().encode(xp.asarray(np.ones((2, 2))), like=like, outputs=1)
