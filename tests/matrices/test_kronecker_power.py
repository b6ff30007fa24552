"""Powers of two factors: what they are by hand, their limits, and what is lost where a factor is ill-conditioned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_close, dense_error, host
from test_dense import conditioned

from sofim_ref.matrices import Kronecker, KroneckerPower

SEEDS = st.integers(0, 2**32 - 1)


def factors(xp, seed, dtype=None, m=3, n=4):
    return tuple(xp.asarray(conditioned(size, 10.0, seed + size), dtype) for size in (m, n))


@given(seed=SEEDS)
@settings(max_examples=3)
def test_four_quarters_are_the_whole(numpy_place, seed):
    A, G = factors(numpy_place, seed)
    quarter, whole, v = KroneckerPower(A, G).factorized(), Kronecker(A, G), np.random.default_rng(seed).normal(size=12)
    x = y = numpy_place.asarray(v)
    for _ in range(4):
        x, y = quarter.matvec(x), quarter.solve(y)
    assert_close(
        x,
        host(whole.matvec(numpy_place.asarray(v))),
        within=100 * quarter.solve_bound() * numpy_place.eps() * np.linalg.norm(v),
    )
    solved = host(whole.solve(numpy_place.asarray(v)))
    assert_close(y, solved, within=1e3 * quarter.solve_bound() * numpy_place.eps() * np.linalg.norm(solved))


def test_both_powers_one_is_the_kronecker_product_and_both_zero_the_identity(numpy_place):
    A, G = factors(numpy_place, 0)
    v = np.arange(1.0, 13.0)
    one, none = KroneckerPower(A, G, (1.0, 1.0)), KroneckerPower(A, G, (0.0, 0.0))
    assert_close(one.solve(v), Kronecker(A, G).solve(v), within=1e-12 * np.linalg.norm(v))
    assert_close(one.to_dense(), np.kron(A, G), within=1e-14)
    np.testing.assert_allclose(none.solve(v), v, rtol=1e-15)
    assert none.logdet() == 0.0


def test_by_hand():
    C = KroneckerPower(np.diag([16.0, 1.0]), np.diag([9.0, 4.0]), (0.25, 0.5))
    np.testing.assert_allclose(C.to_dense(), np.diag([6.0, 4.0, 3.0, 2.0]), rtol=1e-15)
    np.testing.assert_allclose(C.solve(np.asarray([6.0, 4.0, 3.0, 2.0])), np.ones(4), rtol=1e-15)
    assert float(C.logdet()) == pytest.approx(np.log(6 * 4 * 3 * 2), rel=1e-14)


def test_what_an_ill_conditioned_factor_loses_is_what_the_bound_says():
    A, worst = conditioned(3, 1e8, 5), 0.0
    for power in (0.25, 0.5, 0.75):
        C = KroneckerPower(A, np.eye(1), (power, 0.0))
        dense = C.definition().astype(np.float64)
        error = dense_error(dense, C.solve(np.ones(3)), np.ones(3))
        assert error <= C.solve_bound() * np.finfo(np.float64).eps
        worst = max(worst, error / np.finfo(np.float64).eps)
        assert C.solve_bound() == pytest.approx(8 * 3**0.5 * 1e8 ** (1 - power), rel=0.05)
    assert worst > 100  # a bound without κ would not hold


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_neither_factor_s_nor_v_s_size_does_harm(size):
    A, G = (np.asarray(size * factor, np.float32) for factor in (conditioned(3, 10.0), conditioned(2, 10.0)))
    C = KroneckerPower(A, G)
    dense = C.definition().astype(np.float64)
    for length in (1e-20, 1.0, 1e20):
        v = np.asarray(length * np.arange(1.0, 7.0), np.float32)
        assert dense_error(dense, C.solve(v), v) <= C.solve_bound() * np.finfo(np.float32).eps


def test_a_singular_factor_is_raised_to_rounding_and_v_in_its_range_keeps_its_digits():
    m = np.asarray([3.0, 4.0])
    C = KroneckerPower(np.outer(m, m), np.eye(1), (0.5, 0.0))
    np.testing.assert_allclose(C.solve(m), m / 5, rtol=1e-7)
    assert float(C.eigenvalues()[0]) == pytest.approx(5 * (2 * np.finfo(np.float64).eps) ** 0.5, rel=1e-6)


def test_factorized_keeps_the_decompositions_and_decomposes_no_identity(monkeypatch):
    calls, right = [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda A: calls.append(A.shape) or right(A))
    C = KroneckerPower(conditioned(3, 10.0), np.eye(2), (0.5, 0.0)).factorized()
    for _ in range(3):
        C.solve(np.ones(6))
    assert C.factorized() is C
    assert calls == [(3, 3)]
    assert C.in_float64().spectra is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((2, 3)), np.eye(2)), r"left must be square, got shape \(2, 3\)"),
        ((np.eye(2), np.ones(2)), r"right must be 2-D, got shape \(2,\)"),
        ((np.eye(2), np.eye(2, dtype=np.float32)), r"left and right must have one dtype"),
        ((np.eye(2), np.eye(2), 0.25), r"powers must be a pair of numbers from 0 to 1, got 0\.25"),
        ((np.eye(2), np.eye(2), (0.5, -0.5)), r"powers must be numbers from 0 to 1, got \(0\.5, -0\.5\)"),
    ],
)
def test_what_makes_no_power_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        KroneckerPower(*arguments)


def test_bounds_and_extremes_are_those_of_the_docstring():
    C = KroneckerPower(np.eye(4), np.eye(9), (0.5, 0.0))
    assert C.solve_bound() == pytest.approx((8 + 27) / 2 + 1 + 8 * 2, rel=1e-14)
    assert C.dense_bound() == pytest.approx(36 / 2 + 4 + 36 * 8 * 2, rel=1e-14)
    eps, found = np.finfo(np.float64).eps, KroneckerPower(np.diag([16.0, 1.0]), np.eye(1), (0.25, 0.0))
    least, most, error = found.extreme_eigenvalues()
    assert (least, most) == (1.0, 2.0)
    assert error == pytest.approx((2 * 2 * 16 / 4 + 2 + 4) * eps, rel=0.5)
