import math

import mpmath
import numpy as np
import pytest

from sofim_ref import matrices
from sofim_ref.matrices.exact import exact
from sofim_ref.verify.dyadic import Dyadic
from sofim_ref.verify.elimination import inverse
from sofim_ref.verify.truth import Truth

SHAPES = ((5, 5), (5,), (5,))


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
        ours = mpmath.matrix(truth.inverse.rounded().tolist())
        assert mpmath.norm(ours - inverse) <= mpmath.mpf(10) ** -50 * mpmath.norm(inverse)
        x = u / (rho + square)  # cancels to 1/κ of the inverse's entries
        off = mpmath.norm(mpmath.matrix(truth.solve(m).rounded().tolist()) - x)
        assert off <= mpmath.mpf(10) ** -45 * mpmath.norm(x)


def test_rows_are_exchanged_and_a_singular_matrix_is_refused():
    exchange = np.asarray([[0.0, 2.0], [1.0, 0.0]])
    np.testing.assert_array_equal(truth_of(exchange).inverse.rounded().astype(float), [[0, 1], [0.5, 0]])
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


@pytest.mark.parametrize("exponents", [(0, 0), (-300, 300), (-2, 2)])
def test_sums_products_and_norms_of_dyadic_numbers_are_exact(exponents):
    rng = np.random.default_rng(2)
    A, x, y = (np.ldexp(rng.standard_normal(shape), rng.integers(*exponents, shape, endpoint=True)) for shape in SHAPES)
    with mpmath.workdps(800):
        ours = Dyadic.of(exact(A) * mpmath.mpf(3)) @ Dyadic.of(x) - Dyadic.of(y)
        theirs = mpmath.matrix(A.tolist()) * 3 * mpmath.matrix(x.tolist()) - mpmath.matrix(y.tolist())
        assert ours.rounded().tolist() == list(theirs)
        assert ours.largest() == max(map(abs, theirs))
        assert abs(ours.norm() - mpmath.norm(theirs)) <= mpmath.mpf(10) ** -790 * ours.norm()


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_elimination_in_integers_agrees_with_mpmath_s_on_either_side(scale):
    A = scale * np.random.default_rng(3).standard_normal((6, 6))
    A[0, 0] = 0.0
    with mpmath.workdps(60):
        theirs = mpmath.inverse(mpmath.matrix(A.tolist()))
        for ours, expected in (
            (inverse(Dyadic.of(A), mpmath.mp.prec), theirs),
            (inverse(Dyadic.of(A.T), mpmath.mp.prec), theirs.T),
        ):
            off = mpmath.norm(mpmath.matrix(ours.rounded().tolist()) - expected)
            assert off <= 6**2 * mpmath.mpf(2) ** -mpmath.mp.prec * np.linalg.cond(A) * mpmath.norm(expected)
    with pytest.raises(ZeroDivisionError):
        inverse(Dyadic.of(np.zeros((2, 2))), 100)


def test_a_spectral_norm_is_that_of_numpy_at_any_scale():
    A = np.random.default_rng(4).standard_normal((4, 4))
    for scale in (mpmath.mpf(10) ** -1000, mpmath.mpf(1), mpmath.mpf(10) ** 1000):
        assert float(Dyadic.of(exact(A) * scale).spectral_norm() / scale) == pytest.approx(
            np.linalg.norm(A, 2), rel=1e-14
        )
