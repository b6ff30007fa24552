import math

import mpmath
import numpy as np
import pytest

from sofim_ref import matrices
from sofim_ref.matrices.exact import exact
from sofim_ref.verify.truth import Truth


def truth_of(dense):
    return Truth.of(lambda: exact(dense))


@pytest.mark.parametrize("exponent", [0, 8, 40, 300])
def test_the_inverse_has_fifty_digits_whatever_the_condition(exponent):
    m = np.random.default_rng(0).standard_normal(5) * 10.0 ** (exponent / 2)
    C = matrices.RankOne(10.0 ** (-exponent / 2), m)
    truth = Truth.of(C.definition)
    with mpmath.workdps(1000):  # Sherman–Morrison, which needs no elimination
        u, rho = mpmath.matrix([mpmath.mpf(float(x)) for x in m]), mpmath.mpf(C.shift)
        square = (u.T * u)[0]
        inverse = (mpmath.eye(5) - u * u.T / (rho + square)) / rho
        ours = mpmath.matrix(truth.inverse.tolist())
        assert mpmath.norm(ours - inverse) <= mpmath.mpf(10) ** -50 * mpmath.norm(inverse)
        x = u / (rho + square)  # cancels to 1/κ of the inverse's entries
        off = mpmath.norm(mpmath.matrix(truth.solve(m).tolist()) - x)
        assert off <= mpmath.mpf(10) ** -45 * mpmath.norm(x)


def test_rows_are_exchanged_and_a_singular_matrix_is_refused():
    exchange = np.asarray([[0.0, 2.0], [1.0, 0.0]])
    np.testing.assert_array_equal(truth_of(exchange).inverse.astype(float), [[0, 1], [0.5, 0]])
    for singular in (
        np.ones((2, 2)),
        np.zeros((2, 2)),
        np.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
    ):
        with pytest.raises(ZeroDivisionError, match="singular to 6400 digits"):
            truth_of(singular)


def test_norms_and_condition_are_those_of_numpy():
    A = np.random.default_rng(1).standard_normal((4, 4))
    truth = truth_of(A)
    assert float(truth.norm) == pytest.approx(np.linalg.norm(A, 2), rel=1e-13)
    assert float(truth.condition) == pytest.approx(np.linalg.cond(A), rel=1e-12)


def test_errors_are_counted_in_eps():
    truth = truth_of(np.diag([1.0, 4.0]))
    v, eps = np.asarray([1.0, 4.0]), np.finfo(np.float64).eps
    solution = truth.solve(v)
    assert truth.backward_error(np.ones(2), v) == 0 == truth.forward_error(np.ones(2), solution)
    x = np.asarray([1.0, 1 + 8 * eps])
    assert truth.backward_error(x, v) == pytest.approx(32 / (4 * 2**0.5 + 17**0.5))
    assert truth.forward_error(x, solution) == pytest.approx(8 / (4 * 2**0.5))
    assert math.isnan(truth.backward_error(np.asarray([1.0, np.nan]), v))
    assert math.isinf(truth.backward_error(np.asarray([1.0, np.inf]), v))
    assert math.isinf(truth.forward_error(np.asarray([1.0, np.inf]), solution))


def test_underflow_is_forgiven_only_near_the_smallest_number():
    truth = truth_of(np.eye(2))
    tiny = np.asarray([2e-38, 1.5e-38], dtype=np.float32)
    assert truth.backward_error(np.asarray([2e-38, 0], dtype=np.float32), tiny) < 1
    normal = np.asarray([2e-20, 1.5e-20], dtype=np.float32)
    assert truth.backward_error(np.asarray([2e-20, 0], dtype=np.float32), normal) > 1e6
