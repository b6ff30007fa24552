import jax
import networks
import numpy as np
import pytest
from oracles import assert_close

from sofim_ref.models.activations import ACTIVATIONS

GRID = np.asarray([-30.0, -2.5, -1.0, -0.1, 0.0, 0.2, 0.5, 1.0, 2.0, 30.0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_derivatives_are_those_of_jax(numpy_place, name):
    ours, truth = ACTIVATIONS[name], networks.ACTIVATIONS[name]
    z = numpy_place.asarray(GRID)
    for compute in (
        ours.value,
        lambda z: ours.derivative(z, ours.value(z)),
        lambda z: ours.second_derivative(z, ours.value(z)),
    ):
        assert_close(compute(z), jax.vmap(truth)(GRID), within=1e-14 * 30)
        truth = jax.grad(truth)


@pytest.mark.parametrize(("name", "kept"), [("identity", 1.0), ("relu", 0.5)])
def test_the_gain_keeps_the_mean_square_of_a_signal(name, kept):
    """Var(w) · width · E φ(z)² is E z², and of a standard normal z, E φ(z)² is `kept`."""
    assert ACTIVATIONS[name].gain * kept == 1.0


@pytest.mark.parametrize(("name", "gain"), [("tanh", 1.0), ("gelu", 2.0)])
def test_gains_of_smooth_activations_are_those_in_use(name, gain):
    assert ACTIVATIONS[name].gain == gain
