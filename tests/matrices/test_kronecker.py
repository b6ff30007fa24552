import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_close, dense_error, host
from test_dense import conditioned

from sofim_ref.matrices import Kronecker

SEEDS = st.integers(0, 2**32 - 1)


def factors(xp, seed, dtype=None, p=3, q=4):
    return tuple(xp.asarray(conditioned(size, 10.0, seed + size), dtype) for size in (p, q))


@given(seed=SEEDS)
def test_an_outer_product_goes_to_an_outer_product(xp, seed):
    rng = np.random.default_rng(seed)
    A, G = factors(xp, seed)
    a, g = rng.standard_normal(3), rng.standard_normal(4)
    C, v = Kronecker(A, G), xp.asarray(np.outer(a, g).ravel())
    size = np.linalg.norm(host(v))
    assert_close(C.matvec(v), np.outer(host(A) @ a, host(G) @ g).ravel(), within=16 * xp.eps() * size)
    solved = np.outer(np.linalg.solve(host(A), a), np.linalg.solve(host(G), g)).ravel()
    assert_close(C.solve(v), solved, within=100 * 56 * xp.eps() * np.linalg.norm(solved))


@given(seed=SEEDS)
def test_the_product_of_two_is_the_kronecker_product_of_products(xp, seed):
    A, G = factors(xp, seed)
    B, H = factors(xp, seed // 2)
    both = Kronecker(A, G).matvec(Kronecker(B, H).to_dense())
    assert_close(both, np.kron(host(A) @ host(B), host(G) @ host(H)), within=32 * xp.eps())


@given(seed=SEEDS)
def test_eigenvalues_are_all_products_of_those_of_the_factors(xp, seed):
    A, G = factors(xp, seed)
    products = np.sort(np.outer(np.linalg.eigvalsh(host(A)), np.linalg.eigvalsh(host(G))).ravel())
    C = Kronecker(A, G)
    assert_close(C.eigenvalues(), products, within=32 * xp.eps())
    assert_close(C.logdet(), np.log(products).sum(), within=1e3 * xp.eps())


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_neither_a_factor_s_size_nor_v_s_does_harm(xp, size):
    A, G = (host(factor) for factor in factors(xp, 0))
    v = np.random.default_rng(0).standard_normal(12)
    C = Kronecker(xp.asarray(size * A, "float32"), xp.asarray(G / size, "float32"))
    for length in (1e-30, 1.0, 1e30):
        b = xp.asarray(length * v, "float32")
        bound = 8 * (3**0.5 + 2 * 4**0.5) * xp.eps("float32")
        assert dense_error(np.kron(host(C.left), host(C.right)), host(C.solve(b)), host(b)) <= bound


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_neither_does_a_large_condition_number_on_top(xp, size):
    A, G = np.diag([1.0, 1e-6]), size * np.diag([1.0, 1e-6])
    C = Kronecker(xp.asarray(A, "float32"), xp.asarray(G, "float32"))
    v = xp.asarray(size * np.ones(4), "float32")
    np.testing.assert_allclose(host(C.solve(v)), [1.0, 1e6, 1e6, 1e12], rtol=16 * xp.eps("float32"))
    np.testing.assert_allclose(host(C.matvec(C.solve(v))), host(v), rtol=32 * xp.eps("float32"))


def test_it_never_writes_itself_out():
    v = np.ones(120_000)
    C = Kronecker(np.eye(300), 2 * np.eye(400))
    np.testing.assert_allclose(C.solve(v), v / 2, rtol=1e-15)
    np.testing.assert_allclose(C.matvec(v), 2 * v, rtol=1e-15)


def test_a_singular_factor_is_named_with_its_remedy(xp):
    if xp.name in ("jax", "cupy"):
        pytest.skip(f"{xp.name} returns infinities, as the docstring says")
    C = Kronecker(xp.asarray(np.zeros((2, 2))), xp.asarray(np.eye(1)))
    with pytest.raises(ValueError, match=r"singular .*damping > 0 makes it regular"):
        C.solve(xp.asarray(np.ones(2)))


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (np.ones((2, 3)), np.eye(2), r"left must be square, got shape \(2, 3\)"),
        (np.eye(2), np.ones(2), r"right must be 2-D, got shape \(2,\)"),
        (np.eye(2), np.eye(2, dtype=np.int64), r"right must have a real floating-point dtype, got .*int64"),
        (np.eye(2), np.eye(2, dtype=np.float32), r"left and right must have one dtype"),
        ([[1.0]], np.eye(2), r"left must be an array of NumPy, .* got <class 'list'>"),
    ],
)
def test_what_makes_no_kronecker_product_is_refused(left, right, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Kronecker(left, right)
