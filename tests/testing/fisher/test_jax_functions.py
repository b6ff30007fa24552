"""check_fisher with a function of JAX and its tree of parameters, in the order of the tree's leaves."""

import numpy as np
import pytest

from sofim_ref.testing import check_fisher

jax = pytest.importorskip("jax", reason="no JAX")
from jax.flatten_util import ravel_pytree  # noqa: E402  # it imports JAX

RNG = np.random.default_rng(0)


def apply(params, x):
    hidden = jax.numpy.tanh(x @ params["first"]["kernel"] + params["first"]["bias"])
    return hidden @ params["second"]["kernel"] + params["second"]["bias"]


@pytest.mark.slow
def test_a_pair_of_a_function_and_its_parameters():
    dense = lambda rows, columns: {  # noqa: E731  # shapes
        "kernel": jax.numpy.asarray(RNG.standard_normal((rows, columns))),
        "bias": jax.numpy.asarray(RNG.standard_normal(columns)),
    }
    params = {"first": dense(3, 4), "second": dense(4, 3)}
    X, y = jax.numpy.asarray(RNG.standard_normal((12, 3))), jax.numpy.arange(12) % 3
    flat, unravel = ravel_pytree(params)

    def loss(w, x, label):
        return -jax.nn.log_softmax(apply(unravel(w), x))[label]

    G = jax.vmap(jax.grad(loss), (None, 0, 0))(flat, X, y)
    given = {"model": (apply, params), "likelihood": "categorical", "X": X, "y": y}
    verdict = check_fisher(G.T @ G / 12, **given)
    assert (verdict.matrix, verdict.scale_name, verdict.layout) == ("empirical Fisher", "1", "the model's own order")
    verdict = check_fisher(unravel((G**2).sum(axis=0)), **given)
    assert (verdict.matrix, verdict.scale_name, verdict.part) == ("empirical Fisher", "B", "diagonal")
    assert check_fisher(G.T @ G / 12, w=params, **given).matrix == "empirical Fisher"
