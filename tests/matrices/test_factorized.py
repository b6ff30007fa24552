"""`factorized`: the bound of `solve` holds, and the factorization is made once."""

import dataclasses
from collections import Counter

import cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_at, dense_error, host
from test_dense import conditioned

from sofim_ref import optimizers, problems
from sofim_ref.arrays import factorizations
from sofim_ref.matrices import (
    BlockDiagonal,
    Dense,
    Kronecker,
    LBFGSMatrix,
    LowRank,
    SingularMatrixError,
    certified_gram,
    dense,
    kronecker,
)

EVERY_MATRIX = pytest.mark.parametrize("case", cases.MATRICES, ids=repr)


@pytest.mark.slow_on("jax")
@EVERY_MATRIX
@given(seed=st.integers(0, 2**32 - 1), d=st.sampled_from([1, 6]))
@settings(max_examples=4)
def test_a_factorized_solve_keeps_the_bound(xp, case, seed, d):
    for dtype in xp.dtypes:
        rng = np.random.default_rng(seed)
        C, truth = case.make(rng, d, lambda a, dtype=dtype: xp.asarray(a, dtype))
        F, V = C.factorized(), xp.asarray(rng.standard_normal((d, 2)), dtype)
        bound = max(C.solve_bound(), 8 * (1 + d**0.5)) * xp.eps(dtype)  # the dense truth is itself rounded
        assert type(F) is type(C)
        assert F.solve_bound() == C.solve_bound()
        X = F.solve(V)
        assert_at(X, V)
        for v, x in zip(host(V).T, host(X).T, strict=True):
            assert dense_error(truth, x, v) <= bound
        assert dense_error(truth, host(F.solve(V[:, 0])), host(V)[:, 0]) <= bound
        np.testing.assert_array_equal(host(F.matvec(V)), host(C.matvec(V)))


@pytest.fixture
def calls(monkeypatch):
    """How often LU, Cholesky and the SVD were computed on NumPy."""
    counted = Counter()

    def count(module, name):
        right = getattr(module, name)

        def counting(*arguments, **more):
            counted[name] += 1
            return right(*arguments, **more)

        monkeypatch.setattr(module, name, counting)

    count(dense, "lu_factor")
    count(kronecker, "cholesky_factor")
    count(certified_gram, "cholesky_factor")
    for name in ("svd", "solve"):
        count(np.linalg, name)
    return counted


A, G = conditioned(3, 10.0), conditioned(3, 10.0, 1)
Z = np.random.default_rng(0).standard_normal((9, 2))


@pytest.mark.parametrize(
    ("C", "expected"),
    [
        (Dense(A), {"lu_factor": 1}),
        (Kronecker(A, G), {"cholesky_factor": 2}),
        (BlockDiagonal((Dense(A), Kronecker(A, G), Dense(G))), {"lu_factor": 2, "cholesky_factor": 2}),
        (LowRank(0.5, Z), {"cholesky_factor": 1}),
        (LowRank(0.5, Z, form="gram"), {"lu_factor": 1}),
    ],
    ids=["dense", "kronecker", "block diagonal", "low rank", "gram"],
)
def test_the_factorization_is_made_once(calls, C, expected):
    F = C.factorized()
    assert calls == expected
    for _ in range(3):
        F.solve(np.ones(C.dim))
    assert F.factorized() is F or isinstance(F, BlockDiagonal)
    F.factorized().solve(np.ones((C.dim, 2)))
    assert calls == expected


def test_where_the_gram_matrix_s_solve_is_not_certified_the_decomposition_is_made_once(calls):
    C = LowRank(1e-20, np.float32(Z)).factorized()
    for _ in range(3):
        C.solve(C.factor[:, 0])
    assert calls == {"cholesky_factor": 1, "svd": 1}


def test_factors_are_not_shown():
    for C in (Dense(np.eye(1)), Kronecker(np.eye(1), np.eye(1))):
        assert repr(C.factorized()) == repr(C)


def test_what_has_nothing_to_factor_is_returned_itself():
    S = np.random.default_rng(0).standard_normal((2, 4))
    C = LBFGSMatrix(1.0, S, S)
    assert C.factorized() is C
    assert "pairs" in vars(C)


@pytest.mark.parametrize("kind", ["LU", "Cholesky"])
def test_factors_are_arrays_of_the_place(xp, kind):
    A = xp.asarray(conditioned(3, 10.0))
    if kind == "LU":
        factors = Dense(A).factorized().lu
        if "strict" in xp.name:
            assert factors is None
            return
        assert_at(factors[0], A)
    else:
        for L in Kronecker(A, A).factorized().cholesky:
            assert_at(L, A)
            np.testing.assert_array_equal(host(L), np.tril(host(L)))


@pytest.mark.parametrize("C", [Dense(np.diag([1.0, 0.0])), Kronecker(np.eye(2), np.diag([1.0, 0.0]))], ids=repr)
def test_a_singular_matrix_is_refused_by_the_factorization_s_own_signal(xp, C):
    fields = {f.name: xp.asarray(getattr(C, f.name)) for f in dataclasses.fields(C) if not f.kw_only}
    there = type(C)(**fields)
    if xp.name in ("jax", "cupy"):
        pytest.skip(f"{xp.name} returns infinities or NaN, as the docstring says")
    for attempt in (there.solve, lambda v: there.factorized().solve(v)):
        with pytest.raises(
            SingularMatrixError, match=r"C, shape \(2, 2\), is singular .* damping > 0 makes it regular"
        ):
            attempt(xp.asarray(np.ones(there.dim)))


def test_where_nothing_is_pulled_to_the_host_a_singular_matrix_gives_no_finite_solution(xp):
    if xp.name != "jax":
        pytest.skip("every other backend here raises")
    C = Dense(xp.asarray(np.diag([1.0, 0.0])))
    for solver in (C, C.factorized()):
        assert not np.isfinite(host(solver.solve(xp.asarray(np.ones(2))))).all()
    K = Kronecker(xp.asarray(np.eye(1)), xp.asarray(-np.eye(2))).factorized()
    assert not np.isfinite(host(K.solve(xp.asarray(np.ones(2))))).any()


def test_a_factor_that_is_not_positive_definite_is_refused_by_cholesky():
    C = Kronecker(np.eye(2), -np.eye(2))
    np.testing.assert_array_equal(C.solve(np.ones(4)), -np.ones(4))
    with pytest.raises(SingularMatrixError, match="singular"):
        C.factorized()


def test_the_words_of_an_exception_do_not_matter(monkeypatch):
    def fail(*_):
        msg = "a singular problem of memory"
        raise MemoryError(msg)

    monkeypatch.setattr(np.linalg, "solve", fail)
    with pytest.raises(MemoryError, match="singular problem"):
        factorizations.solve(np.eye(2), np.ones((2, 1)))

    def wordless(*_):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "solve", wordless)
    with pytest.raises(SingularMatrixError):
        factorizations.solve(np.eye(2), np.ones((2, 1)))


# ------------------------------------------------------------ who uses it


def test_newton_solves_once_however_often_its_line_search_halves(calls):
    problem = problems.Rosenbrock()
    optimizer, w = optimizers.Newton(damping=1e-3), np.asarray([-1.2, 1.0])
    oracle = problem.oracle(w)
    state, choice = optimizer.precondition(optimizer.init(w), oracle)
    p = choice.matrix.solve(choice.vector)
    calls.clear()
    assert optimizer.step_size(state, oracle, 100 * p) < 0.1
    assert not calls
    optimizer.step(w, optimizer.init(w), problem.oracle(w))
    assert calls == {"solve": 1}


def test_kfac_factors_once_an_update(calls):
    X = np.random.default_rng(0).standard_normal((20, 2))
    problem = problems.MLPClassifier(X, (X[:, 0] > 0).astype(np.int64), hidden=(3,))
    optimizer, w = optimizers.KFAC(update_every=3), problem.initial_point()
    state, seen = optimizer.init(w), []
    for _ in range(4):
        w, state = optimizer.step(w, state, problem.oracle(w))
        seen.append(calls["cholesky_factor"])
    assert seen == [4, 4, 4, 8]  # two factors in each of two layers
    assert not calls["solve"]


def test_kfac_between_updates_takes_the_matrix_of_the_last_one():
    X = np.random.default_rng(0).standard_normal((20, 2))
    problem = problems.MLPClassifier(X, (X[:, 0] > 0).astype(np.int64), hidden=(3,))
    optimizer, w = optimizers.KFAC(update_every=2), problem.initial_point()
    state, first = optimizer.precondition(optimizer.init(w), problem.oracle(w))
    again, second = optimizer.precondition(state, problem.oracle(w + 0.1))
    np.testing.assert_array_equal(first.matrix.to_dense(), second.matrix.to_dense())
    np.testing.assert_array_equal(first.matrix.solve(w), second.matrix.solve(w))
    assert np.abs(first.vector - second.vector).max() > 0
    _, third = optimizer.precondition(again, problem.oracle(w + 0.1))
    assert np.abs(third.matrix.to_dense() - first.matrix.to_dense()).max() > 0


@pytest.mark.parametrize("value", [0, 1.5, True])
def test_kfac_s_update_every_is_a_count(value):
    with pytest.raises((TypeError, ValueError), match=r"update_every must be an integer >= 1, got "):
        optimizers.KFAC(update_every=value)
