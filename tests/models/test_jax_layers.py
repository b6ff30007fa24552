"""Which operations on parameters are layers, and which biases are theirs: the jaxpr alone tells."""

import numpy as np
import pytest

from sofim_ref.models import Layer

jax = pytest.importorskip("jax", reason="no JAX")
jnp, lax = jax.numpy, jax.lax

from sofim_ref.models.jax_layout import Layout  # noqa: E402  # it needs JAX

X = np.zeros((1, 3), np.float32)
W, b = np.zeros((3, 2), np.float32), np.zeros(2, np.float32)


def found(apply, *, X=X, exclude=(), **params):
    """The layers and the names of what is uncovered, for parameters W, b and others."""
    params = {"W": W, "b": b, **params}
    layout = Layout.of(apply, params, X, 2, [name in exclude for name in sorted(params)])
    return [(layer.rows, layer.columns) for layer in layout.layers], [block.name for block in layout.uncovered]


BOTH = [(4, 2)], []
WEIGHT = [(3, 2)], ["b"]
NEITHER = [], ["W", "b"]


def used_before_its_bias(p, X):
    z = X @ p["W"]
    return z + p["b"] + z


def with_a_derivative_of_its_own(p, X):
    dense = jax.custom_jvp(lambda W: X @ W)
    dense.defjvp(lambda primals, tangents: (dense(*primals), X @ tangents[0]))
    return dense(p["W"]) + p["b"]


@pytest.mark.parametrize(
    ("apply", "expected"),
    [
        (lambda p, X: X @ p["W"] + p["b"], BOTH),
        (lambda p, X: p["b"] + X @ p["W"], BOTH),
        (lambda p, X: (p["W"].T @ X.T).T + p["b"], BOTH),
        (lambda p, X: jnp.einsum("ni,io->no", X, p["W"].reshape(3, 2)) + p["b"][None, :], BOTH),
        (lambda p, X: jax.vmap(lambda x: x @ p["W"] + p["b"])(X), BOTH),
        (lambda p, X: jax.jit(jnp.matmul)(X, p["W"]) + p["b"], BOTH),
        (lambda p, X: jax.checkpoint(lambda p: jnp.tanh(X @ p["W"] + p["b"]))(p), BOTH),
        (used_before_its_bias, WEIGHT),
        (lambda p, X: X @ p["W"] + p["b"] + p["b"], WEIGHT),
        (lambda p, X: X @ p["W"] + p["b"][::-1][0], WEIGHT),
        (lambda p, X: jnp.tanh(X @ p["W"]) + p["b"], WEIGHT),
        (lambda p, X: X @ (2 * p["W"]) + p["b"], NEITHER),
        (lambda p, X: X @ p["W"] + p["W"].sum() + p["b"], NEITHER),
        (lambda p, X: X @ p["W"].astype(jnp.bfloat16) + p["b"], NEITHER),
        (lambda p, X: X @ lax.stop_gradient(p["W"]) + p["b"], NEITHER),
        (lambda p, X: X @ p["W"] + X @ p["W"], NEITHER),
        (lambda p, X: X @ (p["W"] @ p["W"].T)[:, :2], NEITHER),
        (lambda p, X: lax.cond(X[0, 0] > 0, lambda: X @ p["W"] + p["b"], lambda: X[:, :2]), NEITHER),
        (with_a_derivative_of_its_own, NEITHER),
        (lambda _, X: X[:, :2], NEITHER),
    ],
)
def test_a_layer_is_a_weight_that_inputs_are_multiplied_by_and_nothing_else(apply, expected):
    assert found(apply) == expected


def test_a_parameter_that_is_excluded_belongs_to_no_layer():
    assert found(lambda p, X: X @ p["W"] + p["b"], exclude=("W",)) == NEITHER
    assert found(lambda p, X: X @ p["W"] + p["b"], exclude=("b",)) == WEIGHT


def test_a_matrix_for_each_of_a_batch_is_no_layer():
    heads = np.zeros((3, 2, 2), np.float32)
    assert found(lambda p, X: jnp.einsum("ni,ioc->nc", X, p["heads"]), heads=heads)[1] == ["W", "b", "heads"]
    assert found(lambda p, X: jnp.einsum("ni,ioc->nioc", X, p["heads"]), heads=heads)[1] == ["W", "b", "heads"]


def test_two_parts_of_a_parameter_are_two_layers_and_the_rest_is_uncovered():
    stacked = np.zeros((3, 6), np.float32)
    layers, rest = found(lambda p, X: X @ p["both"][:, :2] + X @ p["both"][:, 2:4], both=stacked)
    assert layers == [(3, 2), (3, 2)]
    assert rest == ["W", "b", "both"]


def test_where_each_parameter_is_in_w():
    params = [np.arange(6.0).reshape(2, 3), np.arange(6.0, 8.0), np.arange(8.0, 14.0).reshape(2, 3)]
    layout = Layout.of(
        lambda p, X: X @ p[0].T + p[1] + X[:, :1] @ p[2][:1, :2], params, jnp.zeros((1, 3)), 2, [False] * 3
    )
    assert layout.layers == (Layer(0, 4, 2), Layer(8, 1, 2))
    w = layout.flat(params)
    np.testing.assert_array_equal(w, [0, 3, 1, 4, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    for mine, back in zip(params, layout.params(w), strict=True):
        np.testing.assert_array_equal(mine, back)


def test_a_table_is_a_layer_of_unit_vectors():
    tokens = np.asarray([[3, 0]])
    table = np.zeros((3, 2), np.float32)
    for mode in ("clip", "fill"):
        layers, _ = found(lambda p, X, mode=mode: p["E"].at[X].get(mode=mode).sum(1), X=tokens, E=table)
        assert layers == [(3, 2)]
