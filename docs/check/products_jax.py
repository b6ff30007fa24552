"""Products with the Fisher matrix and with the Hessian, by automatic differentiation."""

import jax
import jax.numpy as jnp

BACKEND = "jax"
IS = "exact Fisher"


def outputs(parameters, X):
    h = jnp.tanh(X @ parameters["0.weight"].T + parameters["0.bias"])
    return h @ parameters["2.weight"].T + parameters["2.bias"]


def loss(parameters, X, y):
    return -jnp.mean(jax.nn.log_softmax(outputs(parameters, X))[jnp.arange(len(y)), y])


def fvp(parameters, X, y, v):
    f, Jv = jax.jvp(lambda at: outputs(at, X), (parameters,), (v,))
    p = jax.nn.softmax(f)
    HJv = p * Jv - p * jnp.sum(p * Jv, axis=1, keepdims=True)
    return jax.vjp(lambda at: outputs(at, X), parameters)[1](HJv / len(X))[0]


def hvp(parameters, X, y, v):
    return jax.jvp(lambda at: jax.grad(loss)(at, X, y), (parameters,), (v,))[1]
