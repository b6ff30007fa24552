import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_at, assert_close, host
from test_dense import conditioned

from sofim_ref.matrices import conjugate_gradients

SEEDS = st.integers(0, 2**32 - 1)


class Counted:
    """The products of a host matrix, counted."""

    def __init__(self, C):
        self.C, self.count = C, 0

    def __call__(self, p):
        self.count += 1
        return self.C @ p


@given(seed=SEEDS)
def test_d_products_are_enough_for_a_well_conditioned_matrix(xp, seed):
    for dtype in xp.dtypes:
        product = Counted(xp.asarray(conditioned(6, 5.0, seed), dtype))
        v = xp.asarray(np.random.default_rng(seed).standard_normal(6), dtype)
        x = conjugate_gradients(product, v, tolerance=xp.eps(dtype), iterations=6)
        assert_at(x, v)
        assert_close(host(product.C) @ host(x), host(v), within=100 * xp.eps(dtype) * np.linalg.norm(host(v)))
        assert product.count <= 6


def test_as_many_products_as_distinct_eigenvalues_are_enough():
    C = np.diag([1.0, 1.0, 1.0, 4.0, 4.0, 9.0])
    product = Counted(C)
    x = conjugate_gradients(product, np.ones(6), tolerance=1e-12)
    np.testing.assert_allclose(C @ x, np.ones(6), rtol=1e-12)
    assert product.count == 3


@given(seed=SEEDS)
def test_each_point_is_the_best_in_its_krylov_space(seed):
    rng = np.random.default_rng(seed)
    C, v = conditioned(6, 50.0, seed), rng.standard_normal(6)
    x = conjugate_gradients(lambda p: C @ p, v, tolerance=1e-12, iterations=3)
    Q = np.linalg.qr(np.stack([v, C @ v, C @ C @ v], axis=1))[0]
    np.testing.assert_allclose(x, Q @ np.linalg.solve(Q.T @ C @ Q, Q.T @ v), atol=1e-9 * np.linalg.norm(x))


@given(seed=SEEDS, size=st.sampled_from([1e-30, 1.0, 1e30]))
def test_the_tolerance_is_reached_at_any_size_of_v(xp, seed, size):
    for dtype in xp.dtypes:
        C = xp.asarray(conditioned(6, 10.0, seed), dtype)
        v = xp.asarray(size * np.random.default_rng(seed).standard_normal(6), dtype)
        tolerance = 1e-4 if dtype == "float32" else 1e-10
        x = conjugate_gradients(lambda p, C=C: C @ p, v, tolerance=tolerance)
        residual = np.linalg.norm(host(C) @ host(x) - host(v))
        assert residual <= (tolerance + 100 * xp.eps(dtype)) * np.linalg.norm(host(v))


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_tolerance_is_reached_at_any_size_of_c(xp, size):
    C = xp.asarray(size * conditioned(6, 10.0), "float32")
    v = xp.asarray(size * np.random.default_rng(0).standard_normal(6), "float32")
    x = conjugate_gradients(lambda p: C @ p, v, tolerance=1e-4)
    residual = np.linalg.norm(host(C) @ host(x) - host(v))
    assert residual <= (1e-4 + 100 * xp.eps("float32")) * np.linalg.norm(host(v))


def test_zero_is_answered_with_zero(xp):
    assert not host(conjugate_gradients(lambda p: 2 * p, xp.asarray(np.zeros(3)), tolerance=1e-9)).any()


def test_where_the_first_curvature_is_not_positive_v_itself_comes_back(xp):
    v = xp.asarray(np.asarray([3.0, 4.0]))
    for c in (-1.0, 0.0):
        assert_close(conjugate_gradients(lambda p, c=c: c * p, v, tolerance=1e-9), [3.0, 4.0], within=4 * xp.eps())


def test_where_a_later_curvature_is_not_positive_the_point_before_comes_back(xp):
    c, v = xp.asarray(np.asarray([1.0, -0.5])), np.asarray([2.0, 1.0])
    calls = []
    x = conjugate_gradients(lambda p: calls.append(1) or c * p, xp.asarray(v), tolerance=1e-9, iterations=9)
    assert len(calls) == 2
    assert_close(x, v * (v @ v) / (v @ (host(c) * v)), within=8 * xp.eps())  # one steepest-descent step
    assert host(x) @ v > 0


def test_no_more_products_are_made_than_asked_for():
    product = Counted(np.diag(np.geomspace(1, 1e8, 50)))
    conjugate_gradients(product, np.ones(50), tolerance=1e-12, iterations=3)
    assert product.count == 3
    product = Counted(np.diag(np.geomspace(1, 1e14, 5)))
    conjugate_gradients(product, np.ones(5), tolerance=1e-300)
    assert product.count <= 50  # 10 d if not given


def test_inputs_are_left_as_they_were(xp):
    v = xp.asarray(np.asarray([1.0, 2.0]))
    conjugate_gradients(lambda p: 3 * p, v, tolerance=1e-9)
    assert_close(v, [1.0, 2.0], within=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tolerance": 0.0}, r"tolerance must be a finite number > 0, got 0\.0"),
        ({"tolerance": float("nan")}, r"tolerance must be a finite number > 0, got nan"),
        ({"iterations": 0}, r"iterations must be an integer >= 1, got 0"),
        ({"iterations": True}, r"iterations must be an integer >= 1, got True"),
        ({"v": np.ones((2, 2))}, r"v must be 1-D, got shape \(2, 2\)"),
        ({"v": np.ones(2, dtype=np.int64)}, r"v must have a real floating-point dtype, got int64"),
        ({"product": lambda p: p[:1]}, r"product\(v\) must have the shape \(2,\) of v, got \(1,\)"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    settings = {"product": lambda p: p, "v": np.ones(2), "tolerance": 1e-6, "iterations": 5, **arguments}
    with pytest.raises((TypeError, ValueError), match=message):
        conjugate_gradients(settings.pop("product"), settings.pop("v"), **settings)
