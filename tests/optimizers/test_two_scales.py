"""SOAA and TAdam in float32 where all gradients are one, so that the scatter about their mean is a difference."""

import numpy as np
import pytest
from trajectories import trust_region_on_quadratic

from sofim_ref.optimizers import SOAA, TAdam
from sofim_ref.optimizers.trust_region import TrustRegionState
from sofim_ref.problems import Function

G, STEPS = np.float32([0.3, -1.7, 0.011]), 12


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e3, 1e6])
@pytest.mark.parametrize(("kind", "reading"), [(SOAA, {}), (TAdam, {}), (TAdam, {"radius": "after_step"})])
def test_float32_keeps_six_digits_at_every_ratio_of_the_squared_gradient_to_epsilon(kind, reading, size):
    g, optimizer = np.float32(size) * G, kind(steps=STEPS, lr=1.0, **reading)
    names = ("lr", "gamma", "beta1", "beta2", "epsilon", "weight_decay")
    exact = trust_region_on_quadratic(
        np.zeros((3, 3)), -g, np.zeros(3), STEPS, method=kind.__name__, T=STEPS, at_start=kind is TAdam and not reading,
        **{name: getattr(optimizer, name) for name in names},
    )[-1]  # fmt: skip
    problem, w = Function(3, lambda w: w @ g, lambda _: g), np.zeros(3, dtype=np.float32)
    state = optimizer.init(w)
    for _ in range(STEPS):
        w, state = optimizer.step(w, state, problem.oracle(w))
    assert np.linalg.norm(w - exact) <= 1e-6 * np.linalg.norm(exact)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "reading"), [(SOAA, {}), (TAdam, {}), (TAdam, {"radius": "after_step"})])
def test_losses_that_are_all_the_same_do_not_move_the_radius_however_large_they_are(kind, reading, dtype):
    """A mean that rounds isn't the loss, and the difference is divided by ϵ in the first step."""
    for loss in np.concatenate([np.geomspace(0.7, 7e12, 14), [-0.7]]).astype(dtype):
        optimizer, w = kind(steps=STEPS, **reading), np.ones(3, dtype=dtype)
        start = optimizer.init(w)
        assert (start.step, start.loss, start.radius, start.predicted) == (0, 0.0, 1.0, 0.0)
        _, state = optimizer.step(w, start, Function(3, lambda _, x=loss: x, lambda w: w).oracle(w))
        assert state.radius == 1
        assert state.loss == loss


@pytest.mark.parametrize(("before", "ratio"), [(True, (4 - 2) / 0.5), (False, (8 / 3 - 2) / 0.5)])
def test_the_fall_is_from_the_mean_of_the_losses_before_or_of_all(before, ratio):
    """With β₁ = ½ the second step's mean of 4 and 2 has the weights β(1 − β)/(1 − β²) = ⅓ and ⅔."""
    w, one = np.ones(1), np.ones(1)
    state = TrustRegionState(1, 4 * one, one, 0.5 * one)
    oracle = Function(1, lambda w: 2 * w[0], lambda w: 2 * w).oracle(w)
    mean, found = SOAA(steps=4, beta1=0.5).compare(state, oracle, before=before)
    np.testing.assert_allclose([mean[0], found[0]], [8 / 3, ratio], rtol=1e-15)
