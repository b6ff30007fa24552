import array_api_strict as strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_close, host
from test_dense import conditioned

from sofim_ref.matrices import BlockDiagonal, Dense, Diagonal, Kronecker, RankOne


def layers(xp, seed=0):
    """A block of every kind of field: a vector and a number, a matrix, two matrices."""
    rng = np.random.default_rng(seed)
    A, G = (xp.asarray(conditioned(2, 10.0, seed + i)) for i in range(2))
    return RankOne(0.5, xp.asarray(rng.standard_normal(3))), Dense(A), Kronecker(A, G)


@pytest.mark.slow_on("jax")
def test_a_block_sees_its_own_part_of_v(xp):
    blocks = (Diagonal(xp.asarray(np.asarray([2.0, 4.0]))), RankOne(1.0, xp.asarray(np.asarray([3.0]))))
    C = BlockDiagonal(blocks)
    assert_close(C.solve(xp.asarray(np.asarray([2.0, 4.0, 10.0]))), [1.0, 1.0, 1.0], within=8 * xp.eps())
    assert_close(C.matvec(xp.asarray(np.asarray([1.0, 1.0, 1.0]))), [2.0, 4.0, 10.0], within=8 * xp.eps())
    assert_close(C.logdet(), np.log(80.0), within=32 * xp.eps())


@pytest.mark.slow_on("jax")
@given(seed=st.integers(0, 2**16))
def test_every_answer_is_the_blocks_answers_one_after_another(xp, seed):
    blocks = layers(xp, seed)
    C = BlockDiagonal(blocks)
    v = np.random.default_rng(seed).standard_normal((9, 2))
    cuts = (slice(0, 3), slice(3, 5), slice(5, 9))
    for name in ("solve", "matvec"):
        parts = [host(getattr(block, name)(xp.asarray(v[cut]))) for block, cut in zip(blocks, cuts, strict=True)]
        assert_close(getattr(C, name)(xp.asarray(v)), np.concatenate(parts), within=0)
    dense = np.zeros((9, 9))
    for block, cut in zip(blocks, cuts, strict=True):
        dense[cut, cut] = host(block.to_dense())
    assert_close(C.to_dense(), dense, within=0)
    eigenvalues = np.sort(np.concatenate([host(block.eigenvalues()) for block in blocks]))
    assert_close(C.eigenvalues(), eigenvalues, within=0)
    assert_close(C.logdet(), sum(float(block.logdet()) for block in blocks), within=32 * xp.eps())


@pytest.mark.slow_on("jax")
def test_blocks_may_be_nested_and_come_as_a_list(xp):
    blocks = layers(xp)
    flat, nested = BlockDiagonal(list(blocks)), BlockDiagonal((blocks[0], BlockDiagonal(blocks[1:])))
    assert isinstance(flat.blocks, tuple)
    assert flat.dim == nested.dim == 9
    v = xp.asarray(np.arange(1.0, 10.0))
    assert_close(nested.solve(v), host(flat.solve(v)), within=0)
    assert_close(nested.to_dense(), host(flat.to_dense()), within=0)


def test_one_singular_block_is_named_with_its_remedy():
    C = BlockDiagonal((Dense(np.eye(1)), Dense(np.zeros((2, 2)))))
    with pytest.raises(ValueError, match=r"C, shape \(2, 2\), is singular"):
        C.solve(np.ones(3))


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((), r"blocks must be .*at least one matrix, got none"),
        ((Dense(np.eye(1)), np.eye(2)), r"blocks must be a tuple of matrices, got <class 'numpy.ndarray'> as number 1"),
        (Dense(np.eye(1)).dim, r"blocks must be a tuple of matrices, got <class 'int'> as number 0"),
        ((Dense(np.eye(2)), Dense(np.eye(2, dtype=np.float32))), r"blocks\[0\] and blocks\[1\] must have one dtype"),
        ((Dense(np.eye(2)), Dense(strict.eye(2))), r"blocks\[0\] and blocks\[1\] must be arrays of one backend"),
    ],
)
def test_what_makes_no_block_diagonal_matrix_is_refused(blocks, message):
    with pytest.raises((TypeError, ValueError), match=message):
        BlockDiagonal(blocks)
