"""Functions in JAX as models: the hand-written MLP's numbers, and each example's gradient from what layers see."""

import functools

import cases
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref import curvature, likelihoods, minimize, optimizers, problems
from sofim_ref.models import MLP, JaxModel

jax = pytest.importorskip("jax", reason="no JAX")
jnp = jax.numpy
import jax_networks as networks  # noqa: E402  # it imports JAX

X, _, _, LABEL = cases.data()
NOT_MATRICES = {name for name in curvature.__all__ if name.endswith(("_factor", "_factors", "_squares", "_vectors"))}
CURVATURES = {
    "sampled_fisher": lambda oracle: curvature.sampled_fisher(oracle, np.random.default_rng(0), samples=2),
    "mean_gradient_fisher": lambda oracle: curvature.mean_gradient_fisher(oracle, rho=0.5),
    "hutchinson_diagonal": lambda oracle: curvature.hutchinson_diagonal(oracle, np.random.default_rng(0)),
    "nystrom": lambda oracle: curvature.nystrom(oracle, np.random.default_rng(0), columns=2, rho=0.5),
    "kfac": lambda oracle: curvature.kfac(oracle, np.random.default_rng(0), damping=0.1),
    "ekfac": lambda oracle: curvature.ekfac(oracle, np.random.default_rng(0), damping=0.1),
    "reparametrized_diagonal": lambda oracle: curvature.reparametrized_diagonal(
        oracle, np.random.default_rng(0), deviation=0.1 + 0 * oracle.w
    )[1],
    "sketched_gauss_newton": lambda oracle: curvature.sketched_gauss_newton(
        oracle, np.random.default_rng(0), damping=0.1, rows=8
    ),
}


@functools.cache
def both():
    """The same problem with the hand-written model and with its copy in JAX, and a point."""
    mlp = MLP((3, 4, 3))
    w = mlp.start(np.random.default_rng(1)) + 0.1
    models = mlp, JaxModel(networks.apply_dense, networks.dense(w), chunk=5)
    data = jnp.asarray(X), jnp.asarray(LABEL)
    return *(problems.FiniteSum(model, likelihoods.Categorical(3), *data, l2=0.01) for model in models), jnp.asarray(w)


def test_w_is_the_hand_written_models():
    by_hand, by_jax, w = both()
    assert by_jax.model.layers == by_hand.model.layers
    assert by_jax.model.layer_names == ("0.W", "1.weight")
    assert by_jax.model.uncovered == ()
    np.testing.assert_array_equal(by_jax.initial_point(), w)
    np.testing.assert_array_equal(by_jax.model.pack(by_jax.model.unpack(2 * w)), 2 * w)
    assert "JaxModel of apply_dense: d = 31" in repr(by_jax.model)


@pytest.mark.slow
def test_a_product_with_the_hessian_and_a_jacobian_are_the_hand_written_models():
    by_hand, by_jax, w = both()
    ours, theirs = by_hand.oracle(w), by_jax.oracle(w)
    v = jnp.linspace(-1.0, 1.0, 31)
    assert_close(theirs.hvp(v), host(ours.hvp(v)), within=1e-12)
    assert_close(theirs.jacobian(), host(ours.jacobian()), within=1e-12)


@pytest.mark.slow
def test_every_curvature_of_a_copy_of_the_mlp_is_the_hand_written_ones():
    by_hand, by_jax, w = both()
    ours, theirs = by_hand.oracle(w), by_jax.oracle(w)
    for name in sorted(set(curvature.__all__) - NOT_MATRICES):
        matrix = CURVATURES.get(name, getattr(curvature, name))
        difference = host(matrix(theirs).to_dense()) - host(matrix(ours).to_dense())
        assert np.max(np.abs(difference)) <= 1e-10, name


@pytest.mark.slow
@pytest.mark.parametrize("name", optimizers.REGISTRY)
def test_every_method_takes_the_hand_written_models_steps(name):
    by_hand, by_jax, w = both()
    method = optimizers.REGISTRY[name]
    runs = [minimize(problem, method.build(steps=3), steps=3, w0=w, seed=0) for problem in (by_hand, by_jax)]
    assert_close(runs[1].w, host(runs[0].w), within=1e-9 * (1 + np.max(np.abs(host(runs[0].w)))))


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_steps_on_batches_are_compiled_once_for_each_size_of_a_batch(dtype):
    traced = []

    def apply(params, X):
        traced.append(X.shape)
        return networks.apply_dense(params, X)

    model = JaxModel(apply, networks.dense(np.linspace(-1, 1, 31), dtype))
    problem = problems.FiniteSum(model, likelihoods.Categorical(3), jnp.asarray(X, dtype), jnp.asarray(LABEL))
    run = functools.partial(minimize, problem, optimizers.SOFIM(lr=0.1), batch_size=len(X) // 2, seed=0)
    assert run(steps=3).w.dtype == dtype
    traced.clear()
    assert run(steps=9).w.dtype == dtype
    assert traced == []


@pytest.mark.slow
def test_a_step_inside_of_jit_is_the_eager_step():
    _, problem, w = both()
    optimizer = optimizers.KFAC(lr=0.1)
    rows = jnp.arange(5)

    def step(w):
        return optimizer.step(w, optimizer.init(w), problem.oracle(w, rows))[0]

    assert_close(jax.jit(step)(w), host(step(w)), within=1e-12)


NETWORKS = {"convolutions": networks.convolutions, "sequences": networks.sequences}
LAYERS = {
    "convolutions": (["first", "last", "W"], ["grouped"]),
    "sequences": (
        ["table", "qkv", "qkv", "qkv", "heads", "inside", "last"],
        ["mixed", "positions", "scale", "tied"],
    ),
}


@pytest.mark.parametrize("name", ["convolutions", pytest.param("sequences", marks=pytest.mark.slow)])
def test_what_layers_see_gives_each_examples_gradient(name):
    apply, params, features = NETWORKS[name]()
    model = JaxModel(apply, params, chunk=4)
    model.prepare(features)
    assert (list(model.layer_names), [block.name for block in model.uncovered]) == LAYERS[name]
    w = model.pack(params)
    outputs, tape = model.forward(w, features)
    u = jnp.asarray(np.random.default_rng(0).standard_normal(outputs.shape))
    gradients = model.per_example_vjp(w, tape, u)
    assert_close(gradients.sum(axis=0), host(model.vjp(w, tape, u)), within=1e-12)
    for flow in model.layer_statistics(w, tape, u):
        h, s = (x if x.ndim == 3 else x[:, None, :] for x in (flow.inputs, flow.gradients))
        assert h.shape[2] == flow.layer.rows
        assert s.shape[2] == flow.layer.columns
        found = jnp.einsum("nti,nto->nio", h, s).reshape(len(features), -1)
        assert_close(found, host(gradients[:, flow.layer.start : flow.layer.stop]), within=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("method", [optimizers.KFAC, optimizers.AdaFisher])
def test_methods_of_layers_fit_a_convolutional_network(method):
    apply, params, features = networks.convolutions()
    targets = jnp.arange(5) % 3
    problem = problems.FiniteSum(JaxModel(apply, params), likelihoods.Categorical(3), features, targets)
    with pytest.raises(ValueError, match=r"no layer covers the parameters grouped: "):
        minimize(problem, method(lr=0.05), steps=1)
    trace = minimize(problem, method(lr=0.05, uncovered="diagonal"), steps=8)
    assert float(problem.value(trace.w)) < float(problem.value(problem.initial_point()))
