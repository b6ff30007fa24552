"""What a `JaxModel` can't be, in a sentence each."""

import numpy as np
import pytest

from sofim_ref.models import JaxModel, jax_checks

jax = pytest.importorskip("jax", reason="no JAX")
jnp = jax.numpy

X = np.asarray([[1.0, 2.0, 3.0], [3.0, 1.0, 0.5]], np.float32)
W = np.ones((3, 2), np.float32)


def apply(params, X):
    return X @ params["W"]


def test_jax_must_be_installed(monkeypatch):
    monkeypatch.setattr(jax_checks, "jax", None)
    with pytest.raises(ImportError, match=r"^JaxModel needs JAX: pip install 'sofim_ref\[jax\]'\.$"):
        JaxModel(apply, {"W": W})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (3, r"^apply must be a function \(params, X\) -> outputs, got 3: of a flax module it is its apply\."),
        (
            lambda params, X, key: (params, X, key),
            r"got a function of \(params, X, key\): lambda .* with a key for dropout",
        ),
        (lambda params, X, *, key: (params, X, key), r"got a function of \(params, X, key\): "),
        (lambda X: X, r"^apply must take params and X and nothing else, got a function of \(X\): "),
    ],
)
def test_apply_is_a_function_of_parameters_and_inputs_alone(wrong, message):
    with pytest.raises(TypeError, match=message):
        JaxModel(wrong, {"W": W})


def test_further_arguments_with_defaults_are_left_alone():
    assert JaxModel(lambda params, X, train=False: (params, X, train), {"W": W}).dim == 6
    assert JaxModel(lambda *both: both[1], {"W": W}).dim == 6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, r"^params must have at least one array in it, got \{\}\."),
        ({"a": None}, r"^params must have at least one array in it, got \{'a': None\}\."),
        ({"a": [W, 1.0]}, r"^params must have arrays as leaves, got 1\.0 in 'a\.1': jax\.numpy\.asarray makes one\."),
        (
            {"a": W, "n": np.arange(3)},
            r"^params must be float32 or float64, got int64 in 'n': what isn't differentiated",
        ),
        (
            {"a": W, "n": W.astype(np.float16)},
            r"^params must be float32 or float64, got float16 in 'n': .*p\.astype\('float32'\), params\) converts",
        ),
        ({"a": W, "n": W.astype(float)}, r"^params must have one dtype, got float32 in 'a' and float64 in 'n': "),
        ({"a": W * np.nan}, r"^params must be finite, got NaN or infinity in 'a'\."),
        ({"rng": jax.random.PRNGKey(0)}, r"^params must not have random keys, got one in 'rng': "),
        ({"rng": jax.random.key(0)}, r"^params must not have random keys, got one in 'rng': "),
    ],
)
def test_parameters_are_finite_arrays_of_one_dtype(wrong, message):
    jax.config.update("jax_enable_x64", True)
    with pytest.raises((TypeError, ValueError), match=message):
        JaxModel(apply, wrong)


def test_64_bits_must_be_turned_on():
    enabled = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(TypeError, match=r'^params are float64, which JAX has after jax\.config\.update\("jax_en'):
            JaxModel(apply, {"W": W.astype(float)})
    finally:
        jax.config.update("jax_enable_x64", enabled)


def test_names_to_exclude_are_those_of_parameters():
    for names in (("enc",), ("enc.0", "out")):
        assert JaxModel(apply, {"enc": [W], "out": W}, exclude=names).dim == 12
    with pytest.raises(ValueError, match=r"^exclude must name parameters, got 'enc\.1'\. Did you mean 'enc\.0'\?"):
        JaxModel(apply, {"enc": [W]}, exclude=("enc.1",))
    with pytest.raises(TypeError, match=r"^exclude must be a tuple of names of parameters, got 'enc'\."):
        JaxModel(apply, {"enc": [W]}, exclude="enc")
    with pytest.raises(ValueError, match=r"^chunk must be an integer >= 1, got 0"):
        JaxModel(apply, {"W": W}, chunk=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda p, X: X @ p["W"][:, 0],
            r"^apply's outputs must have shape \(N, C\), got \(1,\) for N = 1: outputs\[:, N",
        ),
        (
            lambda p, X: (X @ p["W"])[None],
            r"^apply's outputs must have shape \(N, C\), got \(1, 1, 2\) for N = 1: a loss at each",
        ),
        (
            lambda p, X: (X @ p["W"]).reshape(1, -1),
            r"^apply's outputs must have shape \(N, C\), got \(1, 4\) for N = 2",
        ),
        (lambda p, X: (X @ p["W"], X), r"^apply must return one array of outputs, got tuple: "),
        (
            lambda p, X: (X @ p["W"]).astype("float16"),
            r"^apply's outputs must have the parameters' dtype float32, got f",
        ),
        (lambda p, X: np.tanh(X @ p["W"]), r"^apply must be written with jax\.numpy, .*: "),
        (lambda p, X: X @ p["W"].T, r"^apply must take params and features of shape \(1, 3\), but it fails: "),
        (lambda p, X: X @ p["V"], r"^apply must take params and features of shape \(1, 3\), but it fails: 'V'"),
        (lambda p, X: jnp.log(X @ -p["W"]), r"^apply gives NaN or infinity for params and the first features: "),
        (
            lambda p, X: (X - X.mean(0)) @ p["W"],
            r"^apply mixes rows: per-example curvature is undefined\. .* change by",
        ),
    ],
)
def test_outputs_are_a_row_for_each_input_alone(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        JaxModel(wrong, {"W": W}).prepare(jnp.asarray(X))


def test_features_go_with_the_parameters():
    model = JaxModel(apply, {"W": W})
    for ask in (lambda: model.layers, lambda: model.n_outputs, lambda: model.unpack(model.like)):
        with pytest.raises(RuntimeError, match=r"call prepare\(features\) first\.$"):
            ask()
    with pytest.raises(TypeError, match=r"^features must be JAX arrays, got numpy: jax\.numpy\.asarray makes one\."):
        model.prepare(X)
    with pytest.raises(TypeError, match=r"one dtype, got float16 and float32: features\.astype\(float32\) converts\."):
        model.prepare(jnp.asarray(X, "float16"))
    model.prepare(jnp.asarray(X))
    with pytest.raises(ValueError, match=r"^features must have rows of shape \(3,\) and dtype float32, .* got \(2,\)"):
        model.prepare(jnp.asarray(X[:, :2]))


def test_packed_parameters_have_the_models_structure_and_shapes():
    model = JaxModel(apply, {"W": W})
    model.prepare(jnp.asarray(X))
    with pytest.raises(
        ValueError, match=r"^params must have the structure PyTreeDef\(\{'W': \*\}\), got PyTreeDef\(\["
    ):
        model.pack([W])
    with pytest.raises(
        ValueError, match=r"^params must have float32 of shape \(3, 2\) in 'W', got float32 of \(2, 3\)"
    ):
        model.pack({"W": W.T})
