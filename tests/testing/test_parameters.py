"""A user's arrays by name become one in this library's order, in the backend and dtype that they have."""

import numpy as np
import pytest

from sofim_ref.arrays import namespace, to_numpy
from sofim_ref.models import MLP, JaxModel, Linear, TorchModel
from sofim_ref.testing.host_arrays import host_array
from sofim_ref.testing.parameters import NamedParameters

NAMES = NamedParameters.of(MLP((2, 3, 2)))
W = np.arange(17.0)


def test_what_is_split_is_joined_again(xp):
    parts = NAMES.split(W, xp.asarray(np.zeros(1), "float32"))
    joined = NAMES.join("F", parts)
    assert namespace(joined) is namespace(parts["0.bias"])
    assert joined.dtype == parts["0.bias"].dtype
    np.testing.assert_array_equal(to_numpy(joined), W)
    flat = namespace(joined).concat([namespace(joined).reshape(x, (-1,)) for x in parts.values()])
    np.testing.assert_array_equal(to_numpy(NAMES.join("F", flat)), W)


def test_arrays_of_two_backends_are_put_together_as_the_first_is():
    torch = pytest.importorskip("torch")
    parts = NAMES.split(W, torch.zeros(1))
    parts["0.bias"] = parts["0.bias"].numpy().astype(np.float64)
    joined = NAMES.join("F", parts)
    assert joined.dtype == torch.float32
    np.testing.assert_array_equal(to_numpy(joined), W)


def test_torch_s_bfloat16_comes_in_by_the_one_door():
    torch = pytest.importorskip("torch")
    w = torch.arange(17, dtype=torch.bfloat16, requires_grad=True)
    np.testing.assert_array_equal(to_numpy(w), W)
    host, eps = host_array("w", w)
    assert (host.dtype, eps) == (np.float64, 2.0**-7)
    joined = NAMES.join("F", {name: x.bfloat16() for name, x in NAMES.split(W, torch.zeros(1)).items()})
    assert joined.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, r"F must be an array, got None: does a function lack its return\?"),
        ([np.ones(3)], "F must be an array for each of 0.weight, 0.bias, 2.weight, 2.bias, got 1 of them"),
        (np.ones(16), r"F must be a mapping like parameters, or have shape \(17,\), got \(16,\)"),
        (dict.fromkeys(NAMES.shapes, np.ones(3)), r"F\['0\.weight'\] must have shape \(3, 2\), got \(3,\)"),
        (np.ones(17, complex), "F must have real numbers, got the dtype complex128"),
    ],
)
def test_other_shapes_are_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        NAMES.join("F", given)


@pytest.mark.slow
def test_a_torch_module_s_parameters_come_and_go_by_its_own_names():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = TorchModel(nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2)).eval())
    model.prepare(torch.zeros(2, 2, 3, 3))
    names, w = NamedParameters.of(model), torch.randn(model.dim)
    own = dict(model.module.named_parameters())
    assert names.shapes == {name: tuple(p.shape) for name, p in own.items()}
    parts = {name: x for name, x in names.split(w.numpy(), w).items() if name in own}  # without buffers
    assert torch.equal(names.join("F", parts), w)
    assert torch.equal(names.join("F", list(parts.values())), w)
    rows = {name: torch.stack([x, 2 * x]) for name, x in parts.items()}
    assert torch.equal(names.join("F", rows, (2,)), torch.stack([w, 2 * w]))


@pytest.mark.slow
def test_a_tree_of_jax_comes_and_goes_too():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    params = {"last": [jnp.ones((4, 2)), jnp.ones(2)], "first": {"kernel": jnp.ones((3, 4)), "bias": jnp.ones(4)}}

    def apply(p, X):
        h = jnp.tanh(X @ p["first"]["kernel"] + p["first"]["bias"])
        return h @ p["last"][0] + p["last"][1]

    model = JaxModel(apply, params)
    model.prepare(jnp.ones((2, 3)))
    names, w = NamedParameters.of(model), jnp.arange(float(model.dim))
    assert set(names.shapes) == {"last.0", "last.1", "first.kernel", "first.bias"}
    assert bool((names.join("F", names.split(np.asarray(w), w)) == w).all())


def test_a_linear_model_without_an_intercept_has_weights_alone():
    assert NamedParameters.of(Linear(3, 2, intercept=False)).shapes == {"0.weight": (2, 3)}
