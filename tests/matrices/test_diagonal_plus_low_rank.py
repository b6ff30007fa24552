"""Diagonal plus low rank: what it equals, and its solve's error, equilibrated and in the plain norm."""

import mpmath
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref.matrices import DiagonalPlusLowRank, LowRank, RankOne
from sofim_ref.verify.equilibrated import Equilibrated
from sofim_ref.verify.truth import Truth


def wide_diagonal(rng, orders, k):
    return 10.0 ** rng.uniform(-orders / 2, orders / 2, 6), rng.standard_normal((6, k))


@pytest.mark.parametrize(("k", "kind"), [(1, RankOne), (3, LowRank)])
def test_with_a_constant_diagonal_it_is_rank_one_or_low_rank(xp, k, kind):
    rng = np.random.default_rng(0)
    Z, v = xp.asarray(rng.standard_normal((6, k))), xp.asarray(rng.standard_normal((6, 2)))
    C, plain = DiagonalPlusLowRank(xp.asarray(np.full(6, 0.25)), Z), kind(0.25, Z[:, 0] if k == 1 else Z)
    assert type(C.equilibrated) is kind
    condition = 1 + 4 * np.linalg.norm(host(Z), 2) ** 2
    assert_close(C.solve(v), host(plain.solve(v)), within=64 * xp.eps() * condition * np.abs(host(v)).max() / 0.25)
    assert_close(C @ v, host(plain @ v), within=64 * xp.eps() * condition)
    assert_close(C.logdet(), host(plain.logdet()), within=64 * xp.eps() * 6)


@pytest.mark.parametrize("k", [1, 3])
def test_equilibrated_its_backward_error_is_bounded_whatever_the_diagonal(k):
    rng = np.random.default_rng(k)
    for orders, size in ((4, 1.0), (20, 1e6), (60, 1e-20)):
        a, Z = wide_diagonal(rng, orders, k)
        C = DiagonalPlusLowRank(a, size * Z)
        found = Equilibrated.of(C, Truth.of(C.definition))
        for v in (rng.standard_normal(6), C.factor[:, 0], a * rng.standard_normal(6), np.eye(6)[np.argmin(a)]):
            measured = found.measured("", C.solve(v), v)
            assert measured.backward <= measured.bound == 10 * (1 + k**0.5)


def test_in_the_plain_norm_it_is_not_but_within_the_spread_of_the_diagonal():
    C = DiagonalPlusLowRank(np.asarray([1.0, 1e-15]), np.asarray([[1.3e-5], [1e5]]))
    v = np.asarray([0.0, 0.5])
    assert 1e5 < Truth.of(C.definition).backward_error(C.solve(v), v) < C.solve_bound()


def test_in_float32_a_solve_has_the_digits_of_float64():
    a, Z = (x.astype(np.float32) for x in wide_diagonal(np.random.default_rng(1), 16, 2))
    C, v = DiagonalPlusLowRank(a, Z), Z[:, 0]
    x = DiagonalPlusLowRank(a.astype(np.float64), Z.astype(np.float64)).solve(v.astype(np.float64))
    assert C.solve(v).dtype == np.float32
    np.testing.assert_allclose(C.solve(v), x, rtol=1e-6)


def test_the_determinant_is_that_of_the_definition():
    a, Z = wide_diagonal(np.random.default_rng(2), 20, 3)
    C = DiagonalPlusLowRank(a, Z)
    with mpmath.workdps(60):
        truth = float(mpmath.log(mpmath.det(mpmath.matrix(C.definition().tolist()))))
    assert float(C.logdet()) == pytest.approx(truth, rel=1e-13)


def test_bad_arguments_are_refused(xp):
    a, Z = xp.asarray(np.ones(3), "float32"), xp.asarray(np.ones((3, 2)), "float32")
    with pytest.raises(ValueError, match=r"diagonal must be 1-D, got shape \(3, 2\)"):
        DiagonalPlusLowRank(Z, Z)
    with pytest.raises(ValueError, match=r"factor must be 2-D, got shape \(3,\)"):
        DiagonalPlusLowRank(a, a)
    for bad in (Z[:, :0], Z[:2, :]):
        with pytest.raises(ValueError, match=r"factor must have shape \(3, k\) with k >= 1, got \(\d, \d\)"):
            DiagonalPlusLowRank(a, bad)
