"""Small networks written in plain JAX, each with parameters and data for it. Tests only."""

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)


def drawn(seed, **shapes):
    """Parameters of these shapes, and a generator."""
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(rng.standard_normal(shape) / 2) for name, shape in shapes.items()}


def dense(w, dtype=None):
    """The MLP of sizes 3, 4, 3 with tanh whose parameters are w: its second weight is kept as torch keeps it."""
    w = np.asarray(w, dtype=dtype)
    return [
        {"W": w[:12].reshape(3, 4), "b": w[12:16]},
        {"weight": w[16:28].reshape(4, 3).T, "bias": w[28:]},
    ]


def apply_dense(params, X):
    first, second = params
    h = jnp.tanh(X @ first["W"] + first["b"])
    return jnp.einsum("ni,oi->no", h, second["weight"]) + second["bias"]


def convolutions():
    """Convolutions with every option, in both orders of axes, a pool, and a dense layer; images of 6 x 6."""
    params = drawn(
        0, first=(3, 3, 1, 3), bias=(3,), grouped=(2, 2, 1, 3), last=(4, 3, 2, 2), shift=(4, 1, 1), W=(4, 3), b=(3,)
    )
    return apply_convolutions, params, drawn(1, X=(5, 6, 6, 1))["X"]


def apply_convolutions(p, X):
    conv, axes = jax.lax.conv_general_dilated, ("NHWC", "HWIO", "NHWC")
    h = conv(X, p["first"], (2, 1), "SAME", rhs_dilation=(1, 2), dimension_numbers=axes) + p["bias"]
    h = conv(jax.nn.relu(h), p["grouped"], (1, 1), "SAME", feature_group_count=3, dimension_numbers=axes)
    h = conv(jnp.tanh(h).transpose(0, 3, 1, 2), p["last"], (1, 1), ((0, 0), (1, 0))) + p["shift"]
    h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 1, 2, 3), (1, 1, 2, 3), "VALID")
    return h.mean(axis=(2, 3)) @ p["W"] + p["b"]


def sequences():
    """A token table that is the last layer's weight too, attention by heads, and parts of every kind; 4 tokens of 5."""
    params = drawn(
        2,
        table=(5, 4),
        positions=(4, 4),
        scale=(4,),
        qkv=(4, 12),
        heads=(2, 2, 4),
        inside=(4, 4),
        mixed=(4, 4),
        last=(4,),
        last_bias=(1,),
        tied=(3, 4),
    )
    return apply_sequences, params, jnp.asarray(np.random.default_rng(3).integers(0, 6, (6, 4)))


def apply_sequences(p, tokens):
    h = p["table"].at[tokens].get(mode="clip") + p["positions"]  # a token 5 is taken for the last one, 4
    h = h * p["scale"]
    q, k, v = (
        (h @ W).reshape(*h.shape[:2], 2, 2) for W in jnp.split(p["qkv"], 3, axis=1)
    )  # a weight in three parts, each a layer
    mixing = jax.nn.softmax(jnp.einsum("nthk,nshk->nhts", q, k))
    h = h + jnp.einsum("nthk,hkd->ntd", jnp.einsum("nhts,nshk->nthk", mixing, v), p["heads"])
    h = jax.checkpoint(lambda h: jax.jit(jnp.tanh)(h @ p["inside"]))(h)
    h, _ = jax.lax.scan(lambda h, _: (jnp.tanh(h @ p["mixed"]), None), h, None, length=2)
    h = jnp.stack([h[:, -1] @ p["tied"].T, h[:, 0] @ p["tied"].T], axis=1)
    score = jax.vmap(lambda one: one.mean(axis=0) @ jnp.ones((3, 4)) @ p["last"])(h)[:, None] + p["last_bias"]
    return jnp.concatenate([score, h.sum(axis=1)], axis=1)
