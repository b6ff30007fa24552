"""A diagonal in a rotated basis: its limits, its bound for a Q that is not quite orthogonal, what it refuses."""

import numpy as np
import pytest
from oracles import assert_close, dense_error, host
from test_dense import conditioned

from sofim_ref.arrays import namespace
from sofim_ref.matrices import Diagonal, Kronecker, RotatedDiagonal


def rotation(n, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def made(xp, values, p=3, q=4, dtype=None):
    return RotatedDiagonal(*(xp.asarray(x, dtype) for x in (rotation(p, 0), rotation(q, 1), values)))


@pytest.mark.slow_on("jax")
def test_a_column_of_q_is_an_eigenvector(xp):
    a = np.linspace(0.5, 4.0, 12)
    C = made(xp, a)
    Q = np.kron(host(C.left), host(C.right))
    assert_close(C.matvec(xp.asarray(Q)), Q * a, within=64 * xp.eps())
    assert_close(C.solve(xp.asarray(Q)), Q / a, within=64 * xp.eps())
    assert_close(C.eigenvalues(), a, within=4 * xp.eps())


def test_without_rotation_it_is_diagonal():
    a, v = np.linspace(0.5, 4.0, 6), np.linspace(-1.0, 1.0, 6)
    np.testing.assert_allclose(RotatedDiagonal(np.eye(2), np.eye(3), a).solve(v), Diagonal(a).solve(v), rtol=1e-15)


def test_with_the_products_of_two_spectra_it_is_the_kronecker_product():
    A, G = conditioned(3, 10.0, 0), conditioned(4, 10.0, 1)
    (a, P), (g, R) = np.linalg.eigh(A), np.linalg.eigh(G)
    C, v = RotatedDiagonal(P, R, np.outer(a, g).ravel()), np.linspace(-1.0, 1.0, 12)
    np.testing.assert_allclose(C.to_dense(), Kronecker(A, G).to_dense(), atol=1e-14)
    np.testing.assert_allclose(C.solve(v), Kronecker(A, G).solve(v), rtol=1e-12)
    np.testing.assert_allclose(C.logdet(), Kronecker(A, G).logdet(), atol=1e-13)


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_neither_the_size_of_a_nor_that_of_v_does_harm(xp, size):
    C = made(xp, size * np.geomspace(1.0, 1e-6, 12), dtype="float32")
    Q = np.kron(host(C.left), host(C.right)).astype(np.float64)
    dense, v = (Q * host(C.values)) @ Q.T, np.random.default_rng(0).standard_normal(12)
    for length in (1e-3, 1.0, 1e3):
        b = xp.asarray(size * length * v, "float32")
        assert dense_error(dense, host(C.solve(b)), host(b)) <= C.solve_bound() * xp.eps("float32")


def test_a_q_that_is_not_quite_orthogonal_enters_the_bound():
    P, R = rotation(3, 0), rotation(4, 1)
    a, v = np.geomspace(1.0, 1e-6, 12), np.random.default_rng(0).standard_normal(12)
    off = 1e-8 * np.random.default_rng(1).standard_normal((3, 3))
    for noise, least, most in ((0.0, 0.0, 8.0), (off, 1e6, 1e9)):
        C = RotatedDiagonal(P + noise, R, a)
        assert least <= C.departure() / np.finfo(np.float64).eps <= most
        Q = np.kron(C.left, C.right)
        error = dense_error((Q * a) @ Q.T, C.solve(v), v)
        assert least / 1e3 * np.finfo(np.float64).eps <= error <= C.solve_bound() * np.finfo(np.float64).eps


def test_the_bound_on_the_least_eigenvalue_holds_for_a_q_that_is_not_quite_orthogonal():
    C = RotatedDiagonal(1.001 * rotation(3, 0), rotation(4, 1), np.geomspace(1.0, 1e-3, 12))
    found = C.extreme_eigenvalues()
    true = np.linalg.eigvalsh(C.to_dense())
    assert found.error >= abs(found.smallest - true[0]) >= 1e-3 * found.smallest
    assert found.largest == pytest.approx(true[-1], rel=1e-2)


def test_it_never_writes_itself_out():
    v = np.ones(120_000)
    C = RotatedDiagonal(np.eye(300), np.eye(400), 2 * v)
    np.testing.assert_allclose(C.solve(v), v / 2, rtol=1e-15)
    np.testing.assert_allclose(C.matvec(v), 2 * v, rtol=1e-15)


@pytest.mark.slow_on("jax")
def test_its_dense_form_is_symmetric(xp):
    dense = made(xp, np.linspace(0.5, 4.0, 12)).to_dense()
    assert float(namespace(dense).max(namespace(dense).abs(dense - dense.T))) <= 8 * xp.eps()


@pytest.mark.parametrize(
    ("left", "right", "values", "message"),
    [
        (np.ones((2, 3)), np.eye(2), np.ones(4), r"left must be square, got shape \(2, 3\)"),
        (np.eye(2), np.ones(2), np.ones(4), r"right must be 2-D, got shape \(2,\)"),
        (np.eye(2), np.eye(2), np.ones((2, 2)), r"values must be 1-D"),
        (np.eye(2), np.eye(3), np.ones(4), r"values must have length 2 · 3, one for each column of Q, got 4"),
        (np.eye(2), np.eye(2), np.ones(4, dtype=np.float32), r"left and values must have one dtype"),
    ],
)
def test_what_makes_no_rotated_diagonal_is_refused(left, right, values, message):
    with pytest.raises((TypeError, ValueError), match=message):
        RotatedDiagonal(left, right, values)
