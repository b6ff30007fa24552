import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_at, assert_close, host, linear_outputs

from sofim_ref.models import Linear

N, P = 24, 3  # the sizes of the problems' data
JACOBIAN = jax.jit(jax.jacobian(linear_outputs), static_argnums=2)
SHAPES = pytest.mark.parametrize(("C", "intercept"), [(1, True), (4, True), (2, False)])


def draw(xp, C, intercept, dtype, seed=0):
    """The model, its point and prepared inputs on the place, raw features on the host, and a maker of more arrays."""
    rng = np.random.default_rng(seed)
    model = Linear(P, C, intercept)
    w, X = xp.asarray(rng.standard_normal(model.dim), dtype), xp.asarray(rng.standard_normal((N, P)), dtype)
    return model, w, model.prepare(X), host(X), lambda *shape: xp.asarray(rng.standard_normal(shape), dtype)


@SHAPES
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=4)
def test_every_product_is_what_the_jacobian_of_jax_gives(xp, C, intercept, seed):
    for dtype in xp.dtypes:
        model, w, X, raw, more = draw(xp, C, intercept, dtype, seed)
        J = np.asarray(JACOBIAN(host(w), raw, intercept))
        v, u, H = more(model.dim), more(N, C), more(N, C, C)
        H = H + xp.backend.xp.matrix_transpose(H)
        within = 8 * N * model.dim * xp.eps(dtype) * (1 + np.max(np.abs(raw))) ** 2 * (1 + np.max(np.abs(host(H))))
        within *= 1 + np.max(np.abs(host(v))) + np.max(np.abs(host(u)))
        assert_close(model.forward(w, X)[0], J @ host(w), within=within)
        assert_close(model.jacobian(w, X, u), J, within=0)
        assert_close(model.jvp(w, X, v), J @ host(v), within=within)
        assert_close(model.vjp(w, X, u), np.einsum("nci,nc->i", J, host(u)), within=within)
        assert_close(model.per_example_vjp(w, X, u), np.einsum("nci,nc->ni", J, host(u)), within=within)
        assert_close(model.gauss_newton(w, X, H), np.einsum("nci,ncd,ndj->ij", J, host(H), J), within=within)


@SHAPES
def test_results_stay_on_the_place_and_keep_the_dtype(xp, C, intercept):
    for dtype in xp.dtypes:
        model, w, X, _, more = draw(xp, C, intercept, dtype)
        u = more(N, C)
        answers = [model.forward(w, X)[0], model.jvp(w, X, w), model.vjp(w, X, u), model.per_example_vjp(w, X, u)]
        for answer in [*answers, model.jacobian(w, X, u), model.gauss_newton(w, X, more(N, C, C)), X]:
            assert_at(answer, w)


def test_a_linear_model_has_no_second_derivative(xp):
    model, w, X, _, more = draw(xp, 2, True, xp.widest)
    u, v, H = more(N, 2), more(model.dim), more(N, 2, 2)
    H = H + xp.backend.xp.matrix_transpose(H)
    expected = host(model.gauss_newton(w, X, H)) @ host(v)
    assert_close(model.hvp(w, X, v, u, H), expected, within=1e3 * xp.eps() * np.max(np.abs(expected)))


def test_its_one_layer_is_all_of_it(xp):
    model, w, X, _, more = draw(xp, 2, True, xp.widest)
    (statistics,) = model.layer_statistics(w, X, more(N, 2))
    assert (statistics.layer.start, statistics.layer.stop) == (0, model.dim)
    assert_close(statistics.inputs, host(X), within=0)


def test_the_intercept_is_a_last_column_of_ones(xp):
    X = xp.asarray(np.zeros((2, 3)))
    assert_close(Linear(3).prepare(X), [[0.0, 0.0, 0.0, 1.0]] * 2, within=0)
    assert Linear(3, intercept=False).prepare(X) is X
    assert (Linear(3, 2).dim, Linear(3, 2, intercept=False).dim) == (8, 6)


def test_bad_sizes_are_refused(xp):
    with pytest.raises(ValueError, match=r"inputs must be an integer >= 1, got 0"):
        Linear(0)
    with pytest.raises(TypeError, match=r"n_outputs must be an integer >= 1, got 1\.0"):
        Linear(1, 1.0)
    with pytest.raises(ValueError, match=r"features must have 2 columns, got 3"):
        Linear(2).prepare(xp.asarray(np.zeros((1, 3))))
