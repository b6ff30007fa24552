import numpy as np
import pytest
import systems
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import assert_close, factor_error, factor_solve, forgiven, host, is_representable, long_factor_error

from sofim_ref.matrices import LowRank

KINDS = ["independent", "dependent", "zero column", "many sizes", "k > d"]


def assert_stable(xp, dtype, system, x, v):
    """Finite, and within 8 (1 + √k) eps backward, as the docstring says."""
    x = host(x)
    assert np.all(np.isfinite(x)), system
    narrow = xp.widest == "float32"  # there any v in the span lies in it up to rounding
    omega = forgiven(xp, dtype, host(v)[:, None] if narrow else host(system.Z), host(v))
    error = factor_error(system.rho, host(system.Z), x, host(v), forgiven=omega) / xp.eps(dtype)
    assert error <= 8 * (1 + system.Z.shape[1] ** 0.5), f"{system}: {error:.3g} eps"


@pytest.mark.slow_on("jax", "array_api_strict", "numpy read-only")
@pytest.mark.parametrize("way", ["decomposition", "certified first"])
@pytest.mark.parametrize("kind", KINDS)
def test_solve_is_backward_stable_at_every_scale(xp, kind, way):
    for dtype in xp.dtypes:
        for system in systems.low_rank(dtype, kind):
            C = LowRank(system.rho, xp.asarray(system.Z, dtype))
            if way == "decomposition":
                vars(C)["certified"] = None
            X = host(C.solve(xp.asarray(system.V, dtype)))
            for v, x in zip(system.V.T, X.T, strict=True):
                assert_stable(xp, dtype, system, x, v)


def test_solve_of_one_vector_is_backward_stable(xp):
    for dtype in xp.dtypes:
        for system in systems.low_rank(dtype, "dependent")[::3]:
            v = system.V[:, 0]
            C = LowRank(system.rho, xp.asarray(system.Z, dtype))
            assert_stable(xp, dtype, system, C.solve(xp.asarray(v, dtype)), v)


@pytest.mark.slow_on("jax")
@given(
    entries=st.lists(st.floats(-1, 1, width=32), min_size=24, max_size=24),
    exponents=st.tuples(*5 * [st.integers(-20, 20)]),
)
def test_solve_is_backward_stable_for_whatever_is_drawn(xp, entries, exponents):
    dtype, (*sizes, e) = "float32", exponents
    columns = (np.asarray(entries).reshape(6, 4) * 10.0 ** np.asarray(sizes)).astype(dtype)
    Z, v = columns[:, :3], columns[:, 3]
    assume(all(np.all((x == 0) | (np.abs(x) > 1e-30)) for x in (Z, v)))
    system = systems.System(10.0**e, Z, v[:, None])
    assume(is_representable(factor_solve(system.rho, Z, v, digits=250), dtype))
    x = LowRank(system.rho, xp.asarray(Z, dtype)).solve(xp.asarray(v, dtype))
    assert_stable(xp, dtype, system, x, v)


@pytest.mark.slow_on("jax")
def test_a_hundred_thousand_parameters_are_no_trouble(xp):
    d = 100_000
    Z = np.stack([np.full(d, 0.1), np.random.default_rng(0).standard_normal(d)], axis=1).astype(np.float32)
    for v in (np.float32(0.7) * Z[:, 0], np.float32(0.7) * Z[:, 1]):
        x = LowRank(1e-3, xp.asarray(Z, "float32")).solve(xp.asarray(v, "float32"))
        assert long_factor_error(1e-3, host(Z), host(x), host(v)) <= 8 * (1 + 2**0.5) * xp.eps("float32")


def test_the_gram_form_breaks_where_v_lies_in_the_span(xp):
    Z = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    v, rho = Z[:, 0], 1e-7
    C = LowRank(rho, xp.asarray(Z, "float32"))
    gram = factor_error(rho, Z, host(C.solve(xp.asarray(v, "float32"), form="gram")), v)
    assert gram >= 1e4 * xp.eps("float32")


@pytest.mark.parametrize("shape", [(6,), (6, 8)])
def test_both_forms_agree_where_both_are_well(xp, shape):
    rng = np.random.default_rng(0)
    C, v = LowRank(0.5, xp.asarray(rng.standard_normal((6, 3)))), xp.asarray(rng.standard_normal(shape))
    condition = 1 + 2 * np.linalg.norm(host(C.factor), 2) ** 2
    within = 32 * xp.eps() * condition * np.linalg.norm(host(v)) / 0.5
    assert_close(C.solve(v, form="gram"), host(C.solve(v)), within=within)


def test_the_decomposition_is_made_once(xp):
    C = LowRank(0.5, xp.asarray(np.eye(3)[:, :2]))
    assert C.directions is C.directions


def test_more_columns_than_rows_make_no_more_eigenvalues(xp):
    Z = np.random.default_rng(0).standard_normal((2, 5))
    C = LowRank(0.5, xp.asarray(Z))
    truth = np.linalg.eigvalsh(0.5 * np.eye(2) + host(C.factor) @ host(C.factor).T)
    assert_close(C.eigenvalues(), truth, within=16 * xp.eps() * truth[-1])


def test_bad_arguments_are_refused(xp):
    Z = xp.asarray(np.ones((3, 2)), "float32")
    with pytest.raises(ValueError, match=r"shift must be a finite number > 0, got 0"):
        LowRank(0.0, Z)
    with pytest.raises(
        ValueError, match=r"shift must be at least 1\.175e-38, the smallest normal .*float32, got 1e-39"
    ):
        LowRank(1e-39, Z)
    with pytest.raises(ValueError, match=r"factor must be 2-D, got shape \(3,\)"):
        LowRank(1.0, Z[:, 0])
    with pytest.raises(ValueError, match=r"factor must have at least one column, got shape \(3, 0\)"):
        LowRank(1.0, Z[:, :0])
    with pytest.raises(TypeError, match=r"factor must have a real floating-point dtype, got .*int64"):
        LowRank(1.0, xp.asarray(np.ones((3, 2), dtype=np.int64)))
    with pytest.raises(ValueError, match=r"form must be one of 'stable', 'gram', got 'stabel'\. Did you mean 'stable'"):
        LowRank(1.0, Z).solve(Z, form="stabel")


def test_of_a_factor_that_is_not_finite_everything_is_nan(xp):
    """As of `RankOne`; a decomposition would raise an error of its own, or none, by backend."""
    for dtype in xp.dtypes:
        for bad in (np.nan, np.inf):
            Z = np.asarray([[1.0, 2.0], [bad, 1.0], [0.0, 1.0]])
            C = LowRank(0.5, xp.asarray(Z, dtype))
            assert np.all(np.isnan(host(C.solve(xp.asarray(np.ones(3), dtype)))))
            assert np.isnan(host(C.eigenvalues())[-1])
