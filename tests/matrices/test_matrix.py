"""What every matrix of the list keeps: the contract of `Matrix`."""

import dataclasses

import array_api_strict as strict
import cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_at, assert_close, assert_unchanged, dense_error, host, spectrum

from sofim_ref import arrays, matrices
from sofim_ref.verify import MATRICES

EVERY_MATRIX = pytest.mark.parametrize("case", cases.MATRICES, ids=repr)
SEEDS = st.integers(0, 2**32 - 1)
DIMS = st.sampled_from([1, 6])
WIDTHS = st.sampled_from([None, 8])


def draw(xp, case, dtype, seed=0, d=6, *, k=None):
    """A matrix of the case, its dense truth, and an operand of shape (d,) or (d, k)."""
    rng = np.random.default_rng(seed)
    matrix, dense = case.make(rng, d, lambda a: xp.asarray(a, dtype))
    return matrix, dense, xp.asarray(rng.standard_normal(d if k is None else (d, k)), dtype)


def answers(matrix, v):
    return {
        "matvec": matrix.matvec(v),
        "solve": matrix.solve(v),
        "to_dense": matrix.to_dense(),
        "eigenvalues": matrix.eigenvalues(),
        "logdet": matrix.logdet(),
    }


@EVERY_MATRIX
@given(seed=SEEDS, d=DIMS)
@settings(max_examples=4)
def test_to_dense_is_the_definition(xp, case, seed, d):
    for dtype in xp.dtypes:
        matrix, dense, _ = draw(xp, case, dtype, seed, d)
        assert_close(
            matrix.to_dense(), dense, within=(4 + matrix.dense_bound()) * xp.eps(dtype) * np.linalg.norm(dense, 2)
        )


@EVERY_MATRIX
@given(seed=SEEDS, d=DIMS, k=WIDTHS)
@settings(max_examples=4)
def test_matvec_is_the_dense_product(xp, case, seed, d, k):
    for dtype in xp.dtypes:
        matrix, dense, v = draw(xp, case, dtype, seed, d, k=k)
        size = np.linalg.norm(dense, 2) * np.linalg.norm(host(v))
        assert_close(matrix.matvec(v), dense @ host(v), within=(d + 4 + matrix.dense_bound()) * xp.eps(dtype) * size)


@EVERY_MATRIX
@given(seed=SEEDS, d=DIMS, k=WIDTHS)
@settings(max_examples=4)
def test_solve_inverts_matvec(xp, case, seed, d, k):
    for dtype in xp.dtypes:
        matrix, dense, v = draw(xp, case, dtype, seed, d, k=k)
        within = (d + 4 + 2 * matrix.solve_bound()) * np.linalg.cond(dense) * xp.eps(dtype) * np.linalg.norm(host(v))
        assert_close(matrix.solve(matrix.matvec(v)), host(v), within=within)


@EVERY_MATRIX
@given(seed=SEEDS, d=DIMS)
@settings(max_examples=4)
def test_solve_is_backward_stable_against_the_dense_truth(xp, case, seed, d):
    for dtype in xp.dtypes:
        matrix, dense, v = draw(xp, case, dtype, seed, d)
        bound = max(matrix.solve_bound(), 8 * (1 + d**0.5))  # the dense truth is itself rounded
        assert dense_error(dense, host(matrix.solve(v)), host(v)) <= bound * xp.eps(dtype)


@EVERY_MATRIX
@given(seed=SEEDS, d=DIMS)
@settings(max_examples=4)
def test_spectrum_is_that_of_the_dense_truth(xp, case, seed, d):
    for dtype in xp.dtypes:
        matrix, dense, _ = draw(xp, case, dtype, seed, d)
        eigenvalues, logdet = spectrum(dense)
        error = 4 * (d + 1) * xp.eps(dtype) * max(1.0, matrix.dense_bound() / (d + 2))
        assert_close(matrix.eigenvalues(), eigenvalues, within=error * eigenvalues[-1])
        within = d * error * (eigenvalues[-1] / eigenvalues[0] + np.max(np.abs(np.log(eigenvalues))))
        assert_close(matrix.logdet(), logdet, within=within)


@EVERY_MATRIX
def test_the_operator_is_matvec(xp, case):
    matrix, _, v = draw(xp, case, xp.widest, k=2)
    for operand in (v, v[:, 0]):
        np.testing.assert_array_equal(host(matrix @ operand), host(matrix.matvec(operand)))
    with pytest.raises(TypeError, match="v must be an array"):
        _ = matrix @ [1.0] * 6
    with pytest.raises(TypeError):
        _ = np.ones(6) @ matrix


@EVERY_MATRIX
@pytest.mark.parametrize("k", [None, 8])
def test_results_stay_on_the_place_and_keep_shape_and_dtype(xp, case, k):
    for dtype in xp.dtypes:
        matrix, _, v = draw(xp, case, dtype, k=k)
        shapes = {"matvec": v.shape, "solve": v.shape, "to_dense": (6, 6), "eigenvalues": (6,), "logdet": ()}
        for name, answer in answers(matrix, v).items():
            assert_at(answer, v)
            assert tuple(answer.shape) == tuple(shapes[name]), name
        assert matrix.shape == (6, 6)


@EVERY_MATRIX
def test_inputs_are_left_as_they_were(xp, case):
    matrix, _, v = draw(xp, case, xp.widest)
    kept = [getattr(matrix, field.name) for field in dataclasses.fields(matrix)]
    kept += [block.like for block in getattr(matrix, "blocks", ())]
    inputs = [x for x in kept if hasattr(x, "shape") and not isinstance(x, matrices.Matrix)] + [v]
    before = [(x, np.array(arrays.to_numpy(x))) for x in inputs]
    answers(matrix, v)
    assert_unchanged(*before)


@EVERY_MATRIX
@pytest.mark.parametrize("method", ["matvec", "solve"])
@pytest.mark.parametrize("shape", [(5,), (7, 2), (1, 6, 1), ()])
def test_an_operand_of_another_length_is_refused(xp, case, method, shape):
    matrix, _, _ = draw(xp, case, xp.widest)
    with pytest.raises(ValueError, match=r"v must have shape \(6,\) or \(6, k\), got \("):
        getattr(matrix, method)(xp.asarray(np.ones(shape)))


@EVERY_MATRIX
@pytest.mark.parametrize("method", ["matvec", "solve"])
def test_an_operand_of_another_dtype_is_refused(xp, case, method):
    matrix, _, _ = draw(xp, case, "float32")
    with pytest.raises(TypeError, match=r"matrix and v must have one dtype, got .*float32 and .*int64"):
        getattr(matrix, method)(xp.asarray(np.ones(6, dtype=np.int64)))


@EVERY_MATRIX
@pytest.mark.parametrize("method", ["matvec", "solve"])
def test_an_operand_of_another_backend_is_refused(xp, case, method):
    matrix, _, _ = draw(xp, case, "float32")
    other = strict.ones(6, dtype=strict.float32) if "numpy" in xp.name else np.ones(6, dtype=np.float32)
    with pytest.raises(TypeError, match=r"matrix and v must be arrays of one backend, got .* and .*\."):
        getattr(matrix, method)(other)
    with pytest.raises(TypeError, match=r"v must be an array, as matrix is, got <class 'list'>"):
        getattr(matrix, method)([1.0] * 6)


@EVERY_MATRIX
@pytest.mark.parametrize("method", ["matvec", "solve"])
def test_an_operand_on_another_device_is_refused(case, method):
    here, there = strict.Device("CPU_DEVICE"), strict.Device("device1")
    matrix, _ = case.make(np.random.default_rng(0), 6, lambda a: strict.asarray(a, device=here))
    with pytest.raises(ValueError, match=r"matrix and v must be on one device, got .*CPU_DEVICE.* and .*device1"):
        getattr(matrix, method)(strict.ones(6, device=there))


def test_the_list_holds_every_matrix():
    assert {case.name for case in cases.MATRICES} == {kind.__name__ for kind in MATRICES}


@pytest.mark.parametrize("kind", ["RankOne", "LowRank", "ScaledIdentity"])
def test_a_numpy_scalar_doesn_t_widen_float32(kind):
    like = np.ones((3, 1) if kind == "LowRank" else 3, dtype=np.float32)
    C = getattr(matrices, kind)(np.float64(0.5), like)
    v = np.ones(3, dtype=np.float32)
    assert {x.dtype for x in (C.solve(v), C.matvec(v), C.to_dense(), C.eigenvalues())} == {np.dtype(np.float32)}
