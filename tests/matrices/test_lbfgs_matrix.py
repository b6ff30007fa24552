import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_close, host
from test_dense import conditioned

from sofim_ref.matrices import LBFGSMatrix, ScaledIdentity
from sofim_ref.verify.truth import Truth

SEEDS = st.integers(0, 2**32 - 1)


def pairs(xp, seed, k, dtype=None, *, d=5, size=1.0):
    """Steps and the changes of a quadratic's gradient over them."""
    S = size * np.random.default_rng(seed).standard_normal((k, d))
    return xp.asarray(S, dtype), xp.asarray(S @ conditioned(d, 10.0, seed), dtype)


@pytest.mark.slow_on("jax")
@given(seed=SEEDS, k=st.sampled_from([1, 4, 9]), scale=st.sampled_from([0.01, 1.0, 100.0]))
@settings(max_examples=8)
def test_it_is_the_dense_bfgs_matrix(xp, seed, k, scale):
    for dtype in xp.dtypes:
        B = LBFGSMatrix(scale, *pairs(xp, seed, k, dtype))
        v = xp.asarray(np.random.default_rng(seed).standard_normal(5), dtype)
        truth = Truth.of(B.definition)
        dense = truth.C.rounded().astype(np.float64)
        off = B.dense_bound() * xp.eps(dtype) * np.abs(dense).max()
        assert_close(B.to_dense(), dense, within=off)
        assert_close(B.matvec(v), dense @ host(v), within=5 * (off + 4 * xp.eps(dtype)) * np.linalg.norm(host(v)))
        x = host(B.solve(v)).astype(dtype)
        assert truth.backward_error(x, host(v).astype(dtype)) <= B.solve_bound()


@pytest.mark.slow_on("jax")
@given(seed=SEEDS, k=st.sampled_from([1, 4, 9]))
def test_the_newest_pair_is_explained(xp, seed, k):
    S, Y = pairs(xp, seed, k)
    B = LBFGSMatrix(1.5, S, Y)
    dense = host(B.to_dense())
    s, y, scale = host(S)[-1], host(Y)[-1], np.linalg.norm(dense, 2)
    assert_close(B.matvec(S[-1, :]), y, within=5 * B.dense_bound() * xp.eps() * scale * np.linalg.norm(s))
    backward = B.solve_bound() * xp.eps() * (scale * np.linalg.norm(s) + np.linalg.norm(y))
    assert_close(B.solve(Y[-1, :]), s, within=2 * backward * np.linalg.cond(dense) / scale)


def test_every_pair_of_conjugate_steps_is_explained(xp):
    A, k = conditioned(4, 10.0), 4
    S = np.linalg.eigh(A)[1].T
    B = LBFGSMatrix(1.0, xp.asarray(S), xp.asarray(S @ A))
    assert_close(B.to_dense(), A, within=B.dense_bound() * xp.eps())
    for i in range(k):
        assert_close(B.solve(xp.asarray((S @ A)[i])), S[i], within=10 * B.solve_bound() * xp.eps())


def test_without_a_pair_that_counts_it_is_the_scaled_identity(xp):
    S = xp.asarray(np.asarray([[1.0, 2.0], [0.0, 0.0]]))
    v = xp.asarray(np.asarray([4.0, 8.0]))
    for Y in (-S, 0 * S):
        B, C = LBFGSMatrix(4.0, S, Y), ScaledIdentity(4.0, v)
        assert_close(B.solve(v), host(C.solve(v)), within=0)
        assert_close(B.matvec(v), host(C.matvec(v)), within=0)
        assert_close(B.to_dense(), 4 * np.eye(2), within=0)


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_pair_that_doesn_t_count_is_as_if_it_were_not_there(xp, row):
    S, Y = (host(rows) for rows in pairs(xp, 3, 3))
    others = [i for i in range(3) if i != row]
    fewer = LBFGSMatrix(2.0, xp.asarray(S[others]), xp.asarray(Y[others]))
    v = xp.asarray(np.ones(5))
    for y in (0 * S[row], -Y[row], 1e-3 * xp.eps() * S[row]):
        changes = Y.copy()
        changes[row] = y
        B = LBFGSMatrix(2.0, xp.asarray(S), xp.asarray(changes))
        assert_close(B.solve(v), host(fewer.solve(v)), within=4 * xp.eps() * np.linalg.norm(host(fewer.solve(v))))
        assert_close(B.to_dense(), host(fewer.to_dense()), within=fewer.dense_bound() * xp.eps())


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e20, 1e30])
def test_the_length_of_the_steps_does_no_harm(xp, size):
    S, Y = pairs(xp, 0, 3, "float32")
    long, v = LBFGSMatrix(2.0, *pairs(xp, 0, 3, "float32", size=size)), xp.asarray(np.ones(5), "float32")
    B = LBFGSMatrix(2.0, S, Y)
    within = 2 * xp.eps("float32") * np.linalg.cond(host(B.to_dense()))
    assert_close(long.solve(v), host(B.solve(v)), within=within * B.solve_bound() * np.linalg.norm(host(B.solve(v))))
    assert_close(long.to_dense(), host(B.to_dense()), within=within * B.dense_bound())


def test_the_scale_may_be_a_number_on_the_device(xp):
    for dtype in xp.dtypes:
        S, Y = pairs(xp, 1, 2, dtype)
        v = xp.asarray(np.ones(5), dtype)
        x = LBFGSMatrix(xp.asarray(np.asarray(2.0), dtype), S, Y).solve(v)
        assert x.dtype == v.dtype
        assert_close(x, host(LBFGSMatrix(2.0, S, Y).solve(v)), within=4 * xp.eps(dtype))


def test_the_scale_may_be_a_whole_number():
    assert LBFGSMatrix(2, np.ones((1, 2)), np.ones((1, 2))).scale == 2.0


ROWS = np.ones((1, 2))


@pytest.mark.parametrize(
    ("scale", "steps", "changes", "message"),
    [
        (1.0, ROWS, np.ones((2, 2)), r"must have .*shape.* got .*\(2, 2\)"),
        (1.0, np.ones((0, 2)), np.ones((0, 2)), r"steps must have at least one row, got shape \(0, 2\)"),
        (1.0, np.ones(2), np.ones(2), r"steps must be 2-D, got shape \(2,\)"),
        (1.0, ROWS, ROWS.astype(np.float32), r"steps and changes must have one dtype"),
        (0.0, ROWS, ROWS, r"scale must be a finite number > 0, got 0\.0"),
        (float("nan"), ROWS, ROWS, r"scale must be a finite number > 0, got nan"),
        (np.ones(1), ROWS, ROWS, r"scale must be 0-D, got shape \(1,\)"),
        (np.asarray(1.0), ROWS.astype(np.float32), ROWS.astype(np.float32), r"steps and scale must have one dtype"),
    ],
)
def test_what_makes_no_bfgs_matrix_is_refused(scale, steps, changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        LBFGSMatrix(scale, steps, changes)
