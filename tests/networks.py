"""The losses that aren't linear in w, written once more in JAX from their formulas. Tests only."""

import functools
import itertools

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

ACTIVATIONS = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "gelu": functools.partial(jax.nn.gelu, approximate=True),
    "identity": lambda z: z,
}


def mlp(w, X, sizes, activation):
    """The outputs of an MLP, shape (N, C): each layer's W, then its b, row after row in w."""
    h, at = X, 0
    for i, (before, after) in enumerate(itertools.pairwise(sizes)):
        W = w[at : at + before * after].reshape(before, after)
        b = w[at + before * after : at + before * after + after]
        at += (before + 1) * after
        z = h @ W + b
        h = ACTIVATIONS[activation](z) if i < len(sizes) - 2 else z
    return h


def half_square(f, y):
    return 0.5 * jnp.sum((f - y) ** 2)


def cross_entropy(f, y):
    return jax.nn.logsumexp(f) - f[y]


def poisson(f, y):
    return jnp.sum(jnp.exp(f) - y * f)


def location_scale(f, y):
    return f[1] + 0.5 * (y[0] - f[0]) ** 2 * jnp.exp(-2 * f[1])


def valley(w, _):
    x, y = w[:-1], w[1:]
    return jnp.concatenate([jnp.sqrt(200.0) * (y - x**2), jnp.sqrt(2.0) * (1 - x)])[None, :]
