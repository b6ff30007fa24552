import numpy as np
import pytest
import systems
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import assert_close, factor_error, factor_solve, forgiven, host, is_representable, long_factor_error

from sofim_ref.matrices import LowRank, RankOne, rank_one, rank_one_blocks


def assert_stable(xp, dtype, system, x, v):
    """Finite, and within 8 eps backward, as the docstring says."""
    x = host(x)
    assert np.all(np.isfinite(x)), system
    omega = forgiven(xp, dtype, host(system.Z), host(v))
    error = factor_error(system.rho, host(system.Z), x, host(v), forgiven=omega) / xp.eps(dtype)
    assert error <= 8, f"{system}: {error:.3g} eps"


@pytest.mark.parametrize("d", [1, 6, pytest.param(300, marks=pytest.mark.slow)])
def test_solve_is_backward_stable_at_every_scale(xp, d):
    for dtype in xp.dtypes:
        for system in systems.rank_one(dtype, d):
            C = RankOne(system.rho, xp.asarray(system.Z[:, 0], dtype))
            X = host(C.solve(xp.asarray(system.V, dtype)))
            for v, x in zip(system.V.T, X.T, strict=True):
                assert_stable(xp, dtype, system, x, v)


@pytest.mark.slow_on("jax")
def test_solve_of_one_vector_is_backward_stable_at_every_scale(xp):
    for dtype in xp.dtypes:
        for system in systems.rank_one(dtype, 6):
            C = RankOne(system.rho, xp.asarray(system.Z[:, 0], dtype))
            for v in system.V.T[:6]:
                assert_stable(xp, dtype, system, C.solve(xp.asarray(v, dtype)), v)


@pytest.mark.parametrize("xp", ["numpy"], indirect=True)
@pytest.mark.parametrize("d", [1, 6, pytest.param(150, marks=pytest.mark.slow)])
def test_solve_in_blocks_is_backward_stable_at_every_scale(xp, d, monkeypatch):
    monkeypatch.setattr(rank_one, "LONG", 1)
    monkeypatch.setattr(rank_one_blocks, "BLOCK", 64)
    monkeypatch.setattr(rank_one_blocks, "ROW", 16)
    for dtype in ("float32", "float64"):
        for system in systems.rank_one(dtype, d):
            m = system.Z[:, 0]
            for v in (*system.V.T, *([m] if np.any(system.V[:, 0]) else [])):
                assert_stable(xp, dtype, system, RankOne(system.rho, m).solve(v), v)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_each_arrangement_of_the_solve_in_blocks_is_taken_and_keeps_its_digits(dtype, weight, monkeypatch):
    taken = []
    for name in ("_direct", "_wide", "_split"):
        whole = getattr(rank_one_blocks, name)
        monkeypatch.setattr(rank_one_blocks, name, lambda *a, f=whole: taken.append(f.__name__) or f(*a))
    rng, d = np.random.default_rng(0), 2 * rank_one_blocks.BLOCK + 77
    m, random = rng.standard_normal((2, d))
    m, random = m / np.linalg.norm(m), random / np.linalg.norm(random)
    for ratio in 10.0 ** np.arange(-2, 15):
        for sine in 10.0 ** np.arange(-13, 1):
            z, v = (np.sqrt(ratio) * m).astype(dtype), (m + sine * random).astype(dtype)
            x, z, v = (a.astype(np.longdouble) for a in (RankOne(0.5, z, weight).solve(v), z, v))
            residual, size = 0.5 * x + weight * z * (z @ x) - v, 0.5 + weight * (z @ z)
            error = np.sqrt(residual @ residual) / (size * np.sqrt(x @ x) + np.sqrt(v @ v))
            assert error <= 8 * np.finfo(dtype).eps, (ratio, sine)
    assert set(taken) == {"_direct", "_wide" if dtype == "float32" else "_split"}


@pytest.mark.filterwarnings("error")
def test_a_square_beyond_the_largest_number_costs_a_short_vector_no_digits_and_warns_of_nothing():
    m = np.asarray([3e200, 4e200])
    np.testing.assert_allclose(RankOne(1.0, m).solve(m), m / 5e200 / 5e200, rtol=1e-15)
    np.testing.assert_allclose(RankOne(1.0, m).solve(np.asarray([-4.0, 3.0])), [-4.0, 3.0], rtol=1e-14)
    v = np.asarray([4e200, -3e200])
    np.testing.assert_allclose(RankOne(1.0, np.asarray([3.0, 4.0])).solve(v), v, rtol=1e-14)


def test_torch_s_long_vectors_are_solved_for_in_blocks_unless_they_are_differentiated():
    torch = pytest.importorskip("torch", reason="no torch")
    m, v = np.random.default_rng(0).standard_normal((2, 12_000))
    there = RankOne(0.5, torch.asarray(m))
    assert np.array_equal(there.solve(torch.asarray(v)).numpy(), RankOne(0.5, m).solve(v))
    assert np.array_equal(there.solve(there.vector).numpy(), (own := RankOne(0.5, m)).solve(own.vector))
    assert there.solve(torch.asarray(v).requires_grad_()).requires_grad
    slope = torch.func.grad(lambda v: v @ there.solve(v))(torch.asarray(v))
    np.testing.assert_allclose(slope.numpy(), 2 * RankOne(0.5, m).solve(v), rtol=1e-9)


@pytest.mark.parametrize("d", [1, 6, pytest.param(300, marks=pytest.mark.slow)])
def test_solve_of_its_own_vector_is_backward_stable_at_every_scale(xp, d):
    for dtype in xp.dtypes:
        for system in systems.rank_one(dtype, d):
            m = xp.asarray(system.Z[:, 0], dtype)
            if np.any(system.V[:, 0]) or not np.any(system.Z):  # where the answer is representable
                assert_stable(xp, dtype, system, RankOne(system.rho, m).solve(m), m)


def test_what_rounding_leaves_across_m_neither_overflows_nor_counts(xp):
    rng = np.random.default_rng(0)
    for dtype, far, rho in (("float32", 1e29, 1e-28), ("float64", 1e149, 1e-280)):
        if dtype not in xp.dtypes:
            continue
        for d in (2, 3, 6):
            for _ in range(20):
                direction = rng.standard_normal((d, 1)) * np.logspace(0, -rng.uniform(0, 8), d)[:, None]
                m, v = (direction * far).astype(dtype), (direction[:, 0] * rng.uniform(0.5, 2)).astype(dtype)
                system = systems.System(rho, m, v[:, None])
                if is_representable(factor_solve(rho, m, v), dtype):
                    x = RankOne(rho, xp.asarray(m[:, 0], dtype)).solve(xp.asarray(v, dtype))
                    assert_stable(xp, dtype, system, x, v)


def test_a_weight_is_that_of_the_rank_one_term(xp):
    m, v = np.random.default_rng(0).standard_normal((2, 5))
    C, dense = RankOne(0.5, xp.asarray(m), 0.04), 0.5 * np.eye(5) + 0.04 * np.outer(m, m)
    condition = np.linalg.cond(dense)
    for got, expected in [
        (C.to_dense(), dense),
        (C @ xp.asarray(v), dense @ v),
        (C.solve(xp.asarray(v)), np.linalg.solve(dense, v)),
        (C.solve(C.vector), np.linalg.solve(dense, m)),
        (C.solve(xp.asarray(v), form="textbook"), np.linalg.solve(dense, v)),
        (C.eigenvalues(), np.linalg.eigvalsh(dense)),
        (C.logdet(), np.linalg.slogdet(dense)[1]),
    ]:
        np.testing.assert_allclose(host(got), expected, rtol=32 * condition * xp.eps(), atol=xp.eps())
    with pytest.raises(ValueError, match=r"^weight must be a finite number > 0, got 0\.0"):
        RankOne(1.0, C.vector, 0.0)


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize("kind", ["one number", "normal numbers"])
def test_rounding_does_not_grow_with_the_number_of_parameters(xp, kind):
    d = 100_000
    m = np.full(d, 0.1) if kind == "one number" else np.random.default_rng(0).standard_normal(d)
    m = m.astype(np.float32)
    C = RankOne(1e-3, xp.asarray(m, "float32"))
    v = np.float32(0.7) * m  # x lies along m, so that every error of ‖m‖ and mᵀv is seen
    one, block = C.solve(xp.asarray(v, "float32")), C.solve(xp.asarray(np.stack([v, m], axis=1), "float32"))
    for x in (one, block[:, 0]):
        assert long_factor_error(1e-3, host(m)[:, None], host(x), host(v)) <= 8 * xp.eps("float32")


@given(
    entries=st.lists(st.tuples(*2 * [st.floats(-1, 1, width=32)]), min_size=6, max_size=6),
    exponents=st.tuples(*3 * [st.integers(-30, 30)]),
)
def test_solve_is_backward_stable_for_whatever_is_drawn(xp, entries, exponents):
    dtype, (a, b, c) = "float32", exponents
    m, v = np.asarray(entries).T * np.asarray([[10.0**a], [10.0**b]])
    m, v = m.astype(dtype), v.astype(dtype)
    assume(all(np.all((x == 0) | (np.abs(x) > 1e-30)) for x in (m, v)))
    system = systems.System(10.0**c, m[:, None], v[:, None])
    assume(is_representable(factor_solve(system.rho, system.Z, v, digits=250), dtype))
    x = RankOne(system.rho, xp.asarray(m, dtype)).solve(xp.asarray(v, dtype))
    assert_stable(xp, dtype, system, x, v)


def textbook_error(xp, rho, m, v):
    C = RankOne(rho, xp.asarray(m, "float32"))
    with np.errstate(all="ignore"):
        x = host(C.solve(xp.asarray(v, "float32"), form="textbook"))
    m, v = m.astype(np.float32), v.astype(np.float32)
    return factor_error(rho, m[:, None], x, v) / xp.eps("float32") if np.all(np.isfinite(x)) else np.inf


def test_the_textbook_form_loses_all_digits_where_v_is_parallel_to_m(xp):
    m = np.random.default_rng(0).standard_normal(300)
    m /= np.linalg.norm(m)
    assert textbook_error(xp, 0.5, m, m) <= 8
    assert textbook_error(xp, 1e-7, m, m) >= 1e4
    assert textbook_error(xp, 1e-12, m, m) >= 1e4


def test_the_textbook_form_serves_where_v_is_not_parallel_to_m(xp):
    m, v = np.random.default_rng(0).standard_normal((2, 300))
    assert textbook_error(xp, 1e-7, m, v) <= 8


@pytest.mark.parametrize(("rho", "size"), [(1.0, 1e20), (1e-30, 1e-20)])
def test_the_textbook_form_leaves_the_numbers_of_the_dtype_early(xp, rho, size):
    m = np.full(6, size)
    assert textbook_error(xp, rho, m, m) == np.inf


def test_both_forms_agree_where_both_are_well(xp):
    m, v = (xp.asarray(x) for x in np.random.default_rng(0).standard_normal((2, 6)))
    C = RankOne(0.5, m)
    within = 16 * xp.eps() * (1 + 2 * float(host(m) @ host(m))) * np.linalg.norm(host(v)) / 0.5
    for u in (v, v[:, None]):
        assert_close(C.solve(u, form="textbook"), host(C.solve(u)), within=within)


def test_it_is_low_rank_with_one_column(xp):
    m, v = (xp.asarray(x) for x in np.random.default_rng(0).standard_normal((2, 6)))
    one, low = RankOne(0.5, m), LowRank(0.5, m[:, None])
    within = 24 * xp.eps() * (1 + 2 * float(host(m) @ host(m))) * np.linalg.norm(host(v)) / 0.5
    assert_close(one.solve(v), host(low.solve(v)), within=within)


def test_eigenvalues_do_not_overflow_before_they_must(xp):
    C = RankOne(1.0, xp.asarray(np.asarray([0.0, 1e18]), "float32"))
    assert_close(C.eigenvalues(), [1.0, 1e36], within=4 * xp.eps("float32") * 1e36)


@pytest.mark.parametrize("shift", [0.0, -1.0, np.inf, np.nan])
def test_a_shift_that_is_not_positive_is_refused(numpy_place, shift):
    with pytest.raises(ValueError, match=r"shift must be a finite number > 0, got "):
        RankOne(shift, numpy_place.asarray(np.ones(2)))


def test_a_shift_that_the_dtype_cannot_hold_is_refused(xp):
    m = xp.asarray(np.ones(2), "float32")
    with pytest.raises(
        ValueError, match=r"shift must be at least 1\.175e-38, the smallest normal .*float32, got 1e-39"
    ):
        RankOne(1e-39, m)
    with pytest.raises(
        ValueError, match=r"shift must be at most 8\.507e\+37, one over the smallest normal .*float32, got 1e\+39"
    ):
        RankOne(1e39, m)


def test_other_bad_arguments_are_refused(xp):
    m = xp.asarray(np.ones(2))
    with pytest.raises(TypeError, match=r"shift must be a finite number > 0, got True"):
        RankOne(True, m)
    with pytest.raises(ValueError, match=r"vector must be 1-D, got shape \(2, 1\)"):
        RankOne(1.0, m[:, None])
    with pytest.raises(TypeError, match=r"vector must have a real floating-point dtype, got .*int64"):
        RankOne(1.0, xp.asarray(np.ones(2, dtype=np.int64)))
    with pytest.raises(
        ValueError, match=r"form must be one of 'stable', 'textbook', got 'text'\. Did you mean 'textbook'"
    ):
        RankOne(1.0, m).solve(m, form="text")
