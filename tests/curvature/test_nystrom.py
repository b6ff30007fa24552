import numpy as np
import pytest
from oracles import assert_close

from sofim_ref import curvature
from sofim_ref.problems import Function, Quadratic

RNG = np.random.default_rng(0)
DIRECTION = RNG.standard_normal(6)


def factor(H, columns):
    oracle = Quadratic(H, np.zeros(len(H))).oracle(np.zeros(len(H)))
    return curvature.nystrom_factor(oracle, np.random.default_rng(1), columns=columns)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_all_columns_make_a_positive_definite_hessian_whatever_its_size(size):
    Q = RNG.standard_normal((4, 4))
    H = size * (np.eye(4) + Q @ Q.T)
    H = (H + H.T) / 2
    Z = factor(H, 4)
    assert_close(Z @ Z.T, H, within=1e-13 * np.linalg.norm(H, 2))


def test_columns_beyond_the_rank_are_zero():
    H = np.outer(DIRECTION, DIRECTION)
    Z = factor(H, 3)
    assert_close(Z @ Z.T, H, within=1e-13 * np.linalg.norm(H, 2))
    assert not Z[:, 1:].any()


def test_of_a_hessian_that_is_zero_nothing_is_left():
    assert not factor(np.zeros((3, 3)), 2).any()


def test_an_indefinite_hessian_gives_the_magnitudes_of_its_eigenvalues():
    Z = factor(np.diag([4.0, -9.0]), 2)
    assert_close(Z @ Z.T, np.diag([4.0, 9.0]), within=1e-13)


def test_products_that_are_not_finite_are_refused():
    with np.errstate(over="ignore"):
        huge = Function(2, lambda w: w @ w, lambda w: w, hvp=lambda _, v: v * 1e308 * 10)
        oracle = huge.oracle(np.ones(2))
        with pytest.raises(ValueError, match=r"the Hessian's columns must be finite, .*has the loss diverged\?"):
            curvature.nystrom_factor(oracle, np.random.default_rng(1), columns=2)
