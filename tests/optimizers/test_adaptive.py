"""SOAA, TAdam and AdaFisher against transcriptions of their formulas in 50 digits, and what is known of them."""

import numpy as np
import pytest
from trajectories import adafisher_on_softmax, trust_region_on_quadratic

from sofim_ref import minimize, problems
from sofim_ref.optimizers import SOAA, AdaFisher, Adam, SOAAState, TAdam, TAdamState
from sofim_ref.problems import Function

A = np.asarray([[3.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 0.125]])
B = np.asarray([1.0, -2.0, 0.5])
QUADRATIC, START = problems.Quadratic(A, B), np.asarray([2.0, 1.0, -3.0])
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((8, 2)), np.asarray([0, 1, 2, 0, 1, 2, 1, 1])
SOFTMAX = problems.SoftmaxRegression(X, Y)


@pytest.mark.parametrize(
    ("kind", "readings"), [(SOAA, {}), (TAdam, {"radius": "at_start"}), (TAdam, {"radius": "after_step"})]
)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lr": 0.05, "gamma": 0.3, "weight_decay": 0.1},
        pytest.param({"lr": 0.02, "beta1": 0.5}, marks=pytest.mark.slow),
    ],
)
def test_250_steps_of_a_trust_region_method_are_the_formulas_in_50_digits(kind, readings, settings):
    optimizer = kind(steps=250, **settings, **readings)
    names = ("lr", "gamma", "beta1", "beta2", "epsilon", "weight_decay")
    exact = trust_region_on_quadratic(
        A, B, START, 250, method=kind.__name__, T=250, at_start=readings.get("radius") == "at_start",
        **{name: getattr(optimizer, name) for name in names},
    )  # fmt: skip
    trace = minimize(QUADRATIC, optimizer, steps=250, w0=START, store_points=True)
    error = np.linalg.norm(np.stack(trace.points) - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert error.max() <= 1e-12


@pytest.mark.parametrize(
    ("ema", "statistics"),
    [
        ("code", None),
        pytest.param("code", "per_example", marks=pytest.mark.slow),
        pytest.param("paper_v1", None, marks=pytest.mark.slow),
        pytest.param("paper_v3", None, marks=pytest.mark.slow),
        pytest.param("paper_v3", "mean_loss", marks=pytest.mark.slow),
    ],
)
def test_250_steps_of_every_reading_of_adafisher_are_the_formulas_in_50_digits(ema, statistics):
    optimizer = AdaFisher(lr=1e-3, ema=ema, statistics=statistics, update_every=20)
    names = ("lr", "beta", "damping", "gamma", "update_every")
    of_mean_loss = statistics == "mean_loss" or (statistics is None and ema == "code")
    exact, least, most = adafisher_on_softmax(
        np.c_[X, np.ones(8)], Y, np.zeros(9), 250, ema=ema, of_mean_loss=of_mean_loss,
        **{name: getattr(optimizer, name) for name in names},
    )  # fmt: skip
    trace = minimize(SOFTMAX, optimizer, steps=250, store_points=True)
    error = np.linalg.norm(np.stack(trace.points) - exact, axis=1)
    assert error.max() <= 1e-12 * np.linalg.norm(exact, axis=1).max()
    F = trace.state.inputs * trace.state.gradients + optimizer.damping
    np.testing.assert_allclose([F.min(), F.max()], [least, most], rtol=1e-12)


@pytest.mark.parametrize(
    ("ema", "most"), [("paper_v1", 153.8), ("paper_v3", 1.001), ("code", 1.0756e-3)], ids=["v1", "v3", "code"]
)
def test_after_long_averaging_adafisher_s_matrix_has_the_range_that_its_reading_gives(ema, most):
    """H and S end at b/(1 − a) where the scaled factor is 1, and at 0 where it is 0."""
    optimizer, w = AdaFisher(ema=ema, statistics="per_example", update_every=1), np.zeros(9)
    state = optimizer.init(w)
    for _ in range(400):
        state, choice = optimizer.precondition(state, SOFTMAX.oracle(w))
    assert choice.matrix.values.min() == pytest.approx(1e-3, rel=1e-9)
    assert choice.matrix.values.max() == pytest.approx(most, rel=2e-3 if ema == "paper_v1" else 2e-5)


def test_soaa_s_step_is_the_shorter_of_the_fisher_step_and_the_radius_times_adam_s():
    soaa, adam, w = SOAA(lr=1.0, steps=50), Adam(lr=1.0), START
    soaa_state, adam_state = soaa.init(w), adam.init(w)
    for _ in range(20):
        radius = float(soaa_state.radius[0])
        oracle = QUADRATIC.oracle(w)
        soaa_state, choice = soaa.precondition(soaa_state, oracle)
        adam_state, other = adam.precondition(adam_state, oracle)
        m, v = choice.vector, soaa_state.square / (1 - 0.999**soaa_state.step)
        F = (1 + np.sum(m**2) / np.sum(v + 1e-8)) * v
        shorter = np.minimum(np.abs(m) / F, radius * np.abs(other.matrix.solve(other.vector)))
        np.testing.assert_allclose(np.abs(choice.matrix.solve(m)), shorter, rtol=1e-6)
        w = w - 0.05 * choice.matrix.solve(m)


@pytest.mark.parametrize("kind", [SOAA, TAdam])
def test_the_radius_stays_in_its_bounds_which_close_in(kind):
    optimizer, w = kind(lr=0.05, steps=60), START
    state = optimizer.init(w)
    for t in range(1, 61):
        w, state = optimizer.step(w, state, QUADRATIC.oracle(w))
        q = (t - 1) / 60
        assert (1 - optimizer.gamma) ** q <= state.radius[0] <= 1 + optimizer.gamma**q


@pytest.mark.parametrize("gamma", [0.51, 0.99])
def test_tadam_refuses_a_gamma_at_which_its_thresholds_change_places(gamma):
    with pytest.raises(ValueError, match=rf"gamma must be a number in \[0, 0\.5\], got {gamma}"):
        TAdam(steps=4, gamma=gamma)
    TAdam(steps=4, gamma=0.5)


G, M, S, V = np.asarray([[0.5, -2.0], [0.25, 1.0], [0.5, 2.0], [0.125, 0.5]])
RATIOS = [(0.1, 1.05, 0.75**0.5), (0.25, 1.05, 1.0), (0.5, 1.05, 1.0), (0.75, 0.95, 1.0), (0.9, 0.95, 1.5)]


@pytest.mark.parametrize("reading", ["at_start", "after_step"])
@pytest.mark.parametrize(("ratio", "radius", "k"), RATIOS)
def test_tadam_s_radius_and_prediction_in_the_middle_of_a_run_are_the_formulas(reading, ratio, radius, k):
    """Step 5 of 8, so q = ½; with β₁ = ½ a mean over 5 steps has the weights 15/31 for what was before, and 16/31."""
    optimizer = TAdam(lambda t: 0.1 / (1 + t), 8, beta1=0.5, beta2=0.75, epsilon=1e-3, radius=reading)
    loss, before = 1.0, 2.0
    mean = (15 * before + 16 * loss) / 31
    fall = (before if reading == "at_start" else mean) - loss
    state = TAdamState(4, *np.asarray([[before], [radius], [fall / ratio]]), M, S, V)
    state, choice = optimizer.precondition(state, Function(2, lambda _: loss, lambda _: G).oracle(np.ones(2)))

    corrected = 1 - 0.75**5
    m = (15 * M + 16 * G) / 31
    v = (0.75 * V + 0.25 * (0.75 - 0.75**5) / corrected * (G - M) ** 2) / corrected
    r = 0.75 * S + 0.25 * G**2
    d = k * radius if reading == "at_start" else radius
    C = (np.maximum(d * (1 + np.sum(m**2 / (v + 1e-3))) * v, np.sqrt(r / corrected)) + 1e-3) / d
    u = m / C
    predicted = 0.1 / 5 * (m @ u - (m @ u) ** 2 / 2 - v @ u**2 / 2)
    np.testing.assert_allclose(choice.matrix.values, C, rtol=1e-14)
    found = [state.loss, state.radius, state.predicted]
    np.testing.assert_allclose(found, [[mean], [k * radius], [predicted]], rtol=1e-14)


def test_soaa_s_radius_and_prediction_in_the_middle_of_a_run_are_the_formulas():
    optimizer = SOAA(lambda t: 0.1 / (1 + t), 8, beta1=0.5, beta2=0.75, epsilon=1e-3)
    mean = (15 * 2.0 + 16 * 1.0) / 31
    state = SOAAState(4, *np.asarray([[2.0], [1.05], [(mean - 1.0) / 1.1]]), M, S)
    state, choice = optimizer.precondition(state, Function(2, lambda _: 1.0, lambda _: G).oracle(np.ones(2)))

    m, v = (0.5 * M + 0.5 * G) / (1 - 0.5**5), (0.75 * S + 0.25 * G**2) / (1 - 0.75**5)
    C = (np.maximum(1.05 * (1 + m @ m / np.sum(v + 1e-3)) * v, np.sqrt(v)) + 1e-3) / 1.05
    u = m / C
    np.testing.assert_allclose(choice.matrix.values, C, rtol=1e-14)
    found = [state.loss, state.radius, state.predicted]
    np.testing.assert_allclose(found, [[mean], [1.1 * 1.05], [0.1 / 5 * (m @ u - v @ u**2 / 2)]], rtol=1e-14)
