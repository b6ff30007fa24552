import numpy as np
import pytest
from oracles import assert_close, dense_error, host
from test_dense import conditioned

from sofim_ref.matrices import MatrixFree


def matrix_free(xp, dtype=None, **settings):
    P = xp.asarray(conditioned(6, 10.0), dtype)
    return MatrixFree(lambda v: P @ v, xp.asarray(np.zeros(6), dtype), **settings), host(P)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_it_is_its_products_and_the_shift(xp, shift):
    C, P = matrix_free(xp, shift=shift)
    v = np.random.default_rng(0).standard_normal((6, 3))
    dense = P + shift * np.eye(6)
    assert_close(C.to_dense(), dense, within=4 * xp.eps())
    assert_close(C.matvec(xp.asarray(v)), dense @ v, within=32 * xp.eps())
    assert_close(C.eigenvalues(), np.linalg.eigvalsh(dense), within=64 * xp.eps())


@pytest.mark.parametrize("tolerance", [None, 1e-2, 1e-4])
def test_solve_goes_to_its_tolerance(xp, tolerance):
    for dtype in xp.dtypes:
        C, P = matrix_free(xp, dtype, shift=0.25, tolerance=tolerance)
        v = xp.asarray(np.random.default_rng(1).standard_normal(6), dtype)
        residual = np.linalg.norm((P + 0.25 * np.eye(6)) @ host(C.solve(v)) - host(v))
        assert residual <= (C.tolerance + 100 * xp.eps(dtype)) * np.linalg.norm(host(v))


def test_a_strict_tolerance_leaves_only_rounding(xp):
    for dtype in xp.dtypes:
        C, P = matrix_free(xp, dtype, tolerance=xp.eps(dtype))
        v = xp.asarray(np.random.default_rng(2).standard_normal(6), dtype)
        assert dense_error(P, host(C.solve(v)), host(v)) <= (1 + 8 * 6) * xp.eps(dtype)


def test_columns_are_solved_one_by_one(xp):
    C, _ = matrix_free(xp)
    V = np.random.default_rng(3).standard_normal((6, 3))
    X = host(C.solve(xp.asarray(V)))
    for i in range(3):
        assert_close(C.solve(xp.asarray(V[:, i].copy())), X[:, i], within=0)


def test_iterations_are_products_and_are_counted():
    products = []
    C = MatrixFree(lambda v: products.append(1) or np.geomspace(1, 1e8, 50) * v, np.zeros(50), iterations=3)
    C.solve(np.ones(50))
    assert len(products) == 3


def test_settings_that_are_not_given_follow_the_dtype():
    wide, narrow = (MatrixFree(lambda v: v, np.zeros(4, dtype=dtype)) for dtype in (np.float64, np.float32))
    assert (wide.tolerance, wide.iterations) == (1e-10, 40)
    assert narrow.tolerance == pytest.approx(1.19e-6, rel=1e-2)


def test_a_numpy_scalar_doesn_t_widen_float32():
    C = MatrixFree(lambda v: v, np.zeros(2, dtype=np.float32), np.float64(0.5))
    assert C.solve(np.ones(2, dtype=np.float32)).dtype == C.matvec(np.ones(2, dtype=np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("product", "message"),
    [
        (lambda v: v[:1], r"product\(v\) must have the shape \(2,\) of v, got \(1,\)"),
        (lambda v: v.astype(np.float32), r"v and product\(v\) must have one dtype, got float64 and float32"),
        (list, r"product\(v\) must be an array, as v is, got <class 'list'>"),
    ],
)
@pytest.mark.parametrize("method", ["matvec", "solve"])
def test_a_product_that_is_none_is_refused(product, message, method):
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(MatrixFree(product, np.ones(2)), method)(np.ones(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"product": 3}, r"product must be .*, got 3"),
        ({"example": np.ones((2, 2))}, r"example must be 1-D, got shape \(2, 2\)"),
        ({"shift": -1.0}, r"shift must be a finite number >= 0, got -1\.0"),
        ({"shift": 1e-320}, r"shift must be at least 2\.225e-308, the smallest normal float64"),
        ({"tolerance": 0.0}, r"tolerance must be a finite number > 0, got 0\.0"),
        ({"iterations": 0}, r"iterations must be an integer >= 1, got 0"),
        ({"iterations": 2.5}, r"iterations must be an integer >= 1, got 2\.5"),
    ],
)
def test_what_makes_no_matrix_free_matrix_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        MatrixFree(**{"product": abs, "example": np.ones(2), **arguments})
