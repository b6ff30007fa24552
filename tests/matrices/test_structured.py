"""What defines Kronecker, block-diagonal, L-BFGS and matrix-free matrices, and what bad input to them gets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_close, host

from sofim_ref.matrices import (
    BlockDiagonal,
    Dense,
    Diagonal,
    Kronecker,
    LBFGSMatrix,
    MatrixFree,
    RankOne,
    conjugate_gradients,
)

SEEDS = st.integers(0, 2**32 - 1)


def positive_definite(rng, d, condition=10.0):
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    C = (Q * np.geomspace(1, condition, d)) @ Q.T
    return (C + C.T) / 2


@given(seed=SEEDS)
def test_a_kronecker_product_maps_outer_products_to_outer_products(xp, seed):
    rng = np.random.default_rng(seed)
    A, G, a, g = positive_definite(rng, 3), positive_definite(rng, 4), rng.standard_normal(3), rng.standard_normal(4)
    C = Kronecker(xp.asarray(A), xp.asarray(G))
    size = 1e3 * xp.eps() * np.linalg.norm(np.outer(a, g))
    assert_close(C.matvec(xp.asarray(np.outer(a, g).ravel())), np.outer(A @ a, G @ g).ravel(), within=100 * size)
    x = np.outer(np.linalg.solve(A, a), np.linalg.solve(G, g)).ravel()
    assert_close(C.solve(xp.asarray(np.outer(a, g).ravel())), x, within=100 * size)


def test_a_kronecker_product_never_writes_itself_out():
    A, G = np.eye(300), 2 * np.eye(400)
    v = np.ones(120_000)
    np.testing.assert_array_equal(Kronecker(A, G).solve(v), v / 2)


def test_a_block_sees_its_own_part_of_v(xp):
    blocks = (Diagonal(xp.asarray(np.asarray([2.0, 4.0]))), RankOne(1.0, xp.asarray(np.asarray([3.0]))))
    C = BlockDiagonal(blocks)
    assert_close(C.solve(xp.asarray(np.asarray([2.0, 4.0, 10.0]))), [1.0, 1.0, 1.0], within=8 * xp.eps())
    assert_close(C.logdet(), np.log(80.0), within=32 * xp.eps())


@given(seed=SEEDS, k=st.integers(1, 9))
def test_the_newest_pair_is_explained(xp, seed, k):
    rng = np.random.default_rng(seed)
    A, S = positive_definite(rng, 5), rng.standard_normal((k, 5))
    S, Y = xp.asarray(S), xp.asarray(S @ A)
    B = LBFGSMatrix(1.5, S, Y)
    kappa = np.linalg.cond(host(B.to_dense()))
    size = 100 * (k + 1) * xp.eps() * kappa
    assert_close(B.solve(Y[-1, :]), host(S)[-1], within=size * np.linalg.norm(host(S)[-1]))
    assert_close(B.matvec(S[-1, :]), host(Y)[-1], within=size * np.linalg.norm(host(Y)[-1]) * 10)


def test_no_pair_is_the_scaled_identity_and_a_pair_of_negative_curvature_is_none(xp):
    S = xp.asarray(np.asarray([[1.0, 2.0], [0.0, 0.0]]))
    B = LBFGSMatrix(4.0, S, -S)
    v = xp.asarray(np.asarray([4.0, 8.0]))
    assert_close(B.solve(v), [1.0, 2.0], within=0)
    assert_close(B.to_dense(), 4 * np.eye(2), within=0)


@given(seed=SEEDS, size=st.sampled_from([1e-30, 1.0, 1e30]))
def test_conjugate_gradients_reach_their_tolerance_at_any_size_of_v(xp, seed, size):
    rng = np.random.default_rng(seed)
    for dtype in xp.dtypes:
        C, v = xp.asarray(positive_definite(rng, 6), dtype), xp.asarray(size * rng.standard_normal(6), dtype)
        tolerance = 1e-4 if dtype == "float32" else 1e-10
        x = conjugate_gradients(lambda p, C=C: C @ p, v, tolerance=tolerance, iterations=50)
        residual = np.linalg.norm(host(C) @ host(x) - host(v))
        assert residual <= (tolerance + 100 * xp.eps(dtype)) * np.linalg.norm(host(v))


def test_conjugate_gradients_need_at_most_as_many_products_as_there_are_dimensions():
    C, products = positive_definite(np.random.default_rng(0), 7, condition=5.0), []

    def product(p):
        products.append(1)
        return C @ p

    conjugate_gradients(product, np.ones(7), tolerance=1e-10, iterations=100)
    assert len(products) <= 7


def test_conjugate_gradients_stop_where_the_curvature_is_not_positive():
    v = np.asarray([3.0, 4.0])
    np.testing.assert_allclose(conjugate_gradients(lambda p: -p, v, tolerance=1e-9, iterations=5), v)
    x = conjugate_gradients(lambda p: np.asarray([1.0, -0.5]) * p, np.asarray([2.0, 1.0]), tolerance=1e-9, iterations=9)
    assert x @ np.asarray([2.0, 1.0]) > 0  # downhill for v a gradient
    assert not conjugate_gradients(lambda p: p, np.zeros(2), tolerance=1e-9, iterations=5).any()


def test_conjugate_gradients_make_no_more_products_than_they_may():
    C = np.geomspace(1, 1e8, 50)
    products = []
    conjugate_gradients(lambda p: products.append(1) or C * p, np.ones(50), tolerance=1e-12, iterations=3)
    assert len(products) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Kronecker(np.ones((2, 3)), np.eye(2)), r"left must be square, got shape \(2, 3\)"),
        (lambda: Kronecker(np.eye(2), np.ones(2)), r"right must be 2-D, got shape \(2,\)"),
        (lambda: Kronecker(np.eye(2), np.eye(2, dtype=np.float32)), r"left and right must have one dtype"),
        (lambda: Kronecker(np.zeros((2, 2)), np.eye(1)).solve(np.ones(2)), r"singular .*damping > 0 makes it regular"),
        (lambda: BlockDiagonal(()), r"blocks must be at least one matrix, got none"),
        (lambda: BlockDiagonal((np.eye(2),)), r"blocks\[0\] must be a Matrix, got <class 'numpy.ndarray'>"),
        (
            lambda: BlockDiagonal((Dense(np.eye(2)), Dense(np.eye(2, dtype=np.float32)))),
            r"blocks\[0\] and blocks\[1\] must have one dtype",
        ),
        (lambda: LBFGSMatrix(1.0, np.ones((1, 2)), np.ones((2, 2))), r"changes must have shape \(1, 2\), as steps has"),
        (lambda: MatrixFree(3, np.ones(2)), r"product must be callable, got 3"),
        (lambda: MatrixFree(abs, np.ones(2), shift=-1.0), r"shift must be a finite number >= 0, got -1\.0"),
        (lambda: MatrixFree(abs, np.ones(2), tolerance=0.0), r"tolerance must be a finite number > 0, got 0\.0"),
        (lambda: MatrixFree(abs, np.ones(2), iterations=0), r"iterations must be an integer >= 1, got 0"),
    ],
)
def test_what_makes_no_matrix_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
