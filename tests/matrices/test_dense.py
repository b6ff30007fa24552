import numpy as np
import pytest
from oracles import dense_error, host

from sofim_ref.matrices import Dense


def conditioned(d, condition, seed=0):
    """A symmetric positive definite matrix with that condition number."""
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))
    A = (Q * np.geomspace(1, 1 / condition, d)) @ Q.T
    return (A + A.T) / 2


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_solve_keeps_its_bound_up_to_condition_one_over_eps(xp, share):
    for dtype in xp.dtypes:
        A = xp.asarray(conditioned(12, xp.eps(dtype) ** -share), dtype)
        v = xp.asarray(np.random.default_rng(1).standard_normal(12), dtype)
        error = dense_error(host(A), host(Dense(A).solve(v)), host(v))
        assert error <= 8 * 12**0.5 * xp.eps(dtype)


def test_solve_serves_an_indefinite_matrix(xp):
    A = xp.asarray(np.asarray([[0.0, 1.0], [1.0, 0.0]]))
    v = xp.asarray(np.asarray([2.0, 3.0]))
    np.testing.assert_array_equal(host(Dense(A).solve(v)), [3.0, 2.0])


def test_a_singular_matrix_is_named_with_its_remedy(xp):
    if xp.name in ("jax", "cupy"):
        pytest.skip(f"{xp.name} returns infinities, as the docstring says")
    C = Dense(xp.asarray(np.zeros((2, 2))))
    with pytest.raises(ValueError, match=r"C, shape \(2, 2\), is singular .* damping > 0 makes it regular"):
        C.solve(xp.asarray(np.ones(2)))


def test_another_error_of_the_backend_passes_through(numpy_place, monkeypatch):
    def fail(*_):
        msg = "out of memory"
        raise MemoryError(msg)

    monkeypatch.setattr(numpy_place.backend.xp.linalg, "solve", fail)
    with pytest.raises(MemoryError, match="out of memory"):
        Dense(np.eye(2)).solve(np.ones(2))


def test_to_dense_is_the_matrix_itself(xp):
    A = xp.asarray(np.eye(2))
    assert Dense(A).to_dense() is A


def test_what_is_not_square_is_refused(xp):
    with pytest.raises(ValueError, match=r"matrix must be square, got shape \(2, 3\)"):
        Dense(xp.asarray(np.ones((2, 3))))
    with pytest.raises(ValueError, match=r"matrix must be 2-D, got shape \(2,\)"):
        Dense(xp.asarray(np.ones(2)))
    with pytest.raises(TypeError, match=r"matrix must have a real floating-point dtype, got .*int64"):
        Dense(xp.asarray(np.eye(2, dtype=np.int64)))
