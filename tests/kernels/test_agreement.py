"""A step in place gives the numbers of the plain one: to 4 eps, and over 1,000 steps to what so many roundings make."""

import itertools
import math
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trajectories import sofim_directions

from sofim_ref import IVON, SGD, SOAA, SOFIM, AdaGrad, AdaHessian, Adam, AdamW, RootFreeRMSProp, TAdam
from sofim_ref.arrays import to_numpy
from sofim_ref.kernels import SOFIMStep
from sofim_ref.optimizers import SOFIMState
from sofim_ref.problems import Function


def compiled_once(make):
    """Each way to compile makes a loop of a method's update, which takes a second: two methods show it."""
    return pytest.param(make, marks=pytest.mark.slow_on("numba", "CUDA on the host"))


METHODS = {
    "SOFIM, moment": SOFIM,
    "SOFIM, moment, no correction": partial(SOFIM, bias_correction=False),
    "SOFIM, moment, decay": partial(SOFIM, weight_decay=0.1),
    "SOFIM, gradient": partial(SOFIM, vector="gradient"),
    "SOFIM, gradient, decay": partial(SOFIM, vector="gradient", weight_decay=0.1),
    "SGD": SGD,
    "SGD, heavy ball": partial(SGD, momentum=0.9, weight_decay=0.1),
    "SGD, Nesterov": partial(SGD, momentum=0.9, nesterov=True),
    "Adam": Adam,
    "AdamW": partial(AdamW, lr=0.1),
    "AdaGrad": compiled_once(AdaGrad),
    "AdaGrad, inside": compiled_once(partial(AdaGrad, placement="inside", weight_decay=0.1)),
    "RMSProp, root-free": compiled_once(partial(RootFreeRMSProp, beta1=0.9)),
    "AdaHessian": compiled_once(partial(AdaHessian, power=0.7)),
    "IVON": compiled_once(partial(IVON, effective_size=50.0)),
    "SOAA": partial(SOAA, steps=2000, weight_decay=0.1),
    "TAdam": compiled_once(partial(TAdam, steps=2000)),
    "TAdam, after the step": compiled_once(partial(TAdam, steps=2000, radius="after_step")),
}
DTYPES = ("float32", "float64")


def oracle_of(w, gradient):
    """The oracle of a loss whose gradient is given, and whose Hessian is the identity."""
    return Function(len(w), lambda w: w @ w, gradient, hvp=lambda _, v: v).oracle(w)


def stepping(optimizer, way, w):
    """Return a function that takes one step in place, from a gradient to w on the host."""
    w, state = way.put(w), optimizer.init(w)
    state = replace(state, **{f.name: way.put(getattr(state, f.name)) for f in fields(state)[1:]})

    def step(g):
        nonlocal state
        oracle = oracle_of(w, lambda _: way.put(g))
        state = optimizer.overwrite(way.kernels, w, state, oracle)
        return to_numpy(w).copy()

    return step


def plain(optimizer, w):
    """Return a function that takes one plain step, from a gradient to w and the step's direction."""
    state = optimizer.init(w)

    def step(g):
        nonlocal w, state
        before = w
        w, state = optimizer.step(w, state, oracle_of(w, lambda _: g))
        return before, w

    return step


def largest(x):
    """Return the largest magnitude: that others are exact is no excuse for an entry."""
    return float(np.max(np.abs(x), initial=0.0))


def allowed(optimizer, before, after, g):
    """Return what 4 roundings are: of w, of the way it went and, where a difference is divided by ρ, of ηg/ρ."""
    eps = float(np.finfo(after.dtype).eps)
    way = largest(after.astype(float) - before)
    if isinstance(optimizer, SOFIM) and optimizer.vector == "gradient":
        way = max(way, optimizer.lr * float(np.linalg.norm(g.astype(float))) / optimizer.rho)
    return 4 * eps * (max(largest(before), largest(after)) + way)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_one_step(way, make, dtype):
    optimizer = make()
    for length in way.lengths:
        rng = np.random.default_rng(length)
        w = rng.standard_normal(length).astype(dtype)
        in_place, in_full = stepping(optimizer, way, w), plain(optimizer, w)
        g = (rng.standard_normal(length) / math.sqrt(length)).astype(dtype)
        got, (before, after) = in_place(g), in_full(g)
        assert largest(got.astype(float) - after) <= allowed(optimizer, before, after, g), length


@st.composite
def gradients(draw):
    """Two gradients, the second along the first, across it or anyhow, of lengths far apart; as float64."""
    d = draw(st.integers(1, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    first, other = rng.standard_normal((2, d))
    along = draw(st.sampled_from([0.0, 1.0, 1 - 1e-6, -1.0, 0.5]))
    second = along * first + (1 - abs(along)) * other
    return [g * 10.0 ** draw(st.integers(-12, 12)) for g in (first, second)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vector", ["moment", "gradient"])
@given(gs=gradients(), log_rho=st.integers(-6, 6), beta=st.sampled_from([0.0, 0.5, 0.9]))
def test_steps_of_any_length(way, vector, dtype, gs, log_rho, beta):
    optimizer = SOFIM(lr=1.0, rho=10.0**log_rho, beta=beta, vector=vector)
    w = np.ones_like(gs[0], dtype=dtype)
    in_place, in_full = stepping(optimizer, way, w), plain(optimizer, w)
    error = 0.0
    for g in gs:
        got, (before, after) = in_place(g.astype(dtype)), in_full(g.astype(dtype))
        error += allowed(optimizer, before, after, g)
        assert largest(got.astype(float) - after) <= error


@pytest.mark.slow_on("numba", "CUDA on the host")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["SOFIM, moment, decay", "SOFIM, gradient", "SGD, heavy ball", "AdamW"])
def test_many_steps(way, name, dtype):
    """Roundings are as often up as down: 1,000 of them make √1,000, not 1,000, times the error of one."""
    optimizer, d, steps = METHODS[name](), 9, 100 if way.name == "CUDA on the host" else 1000
    rng = np.random.default_rng(0)
    w = rng.standard_normal(d).astype(dtype)
    in_place, in_full = stepping(optimizer, way, w), plain(optimizer, w)
    widest = 0.0
    for _ in range(steps):
        g = (rng.standard_normal(d) / 3).astype(dtype)
        got, (before, after) = in_place(g), in_full(g)
        widest = max(widest, allowed(optimizer, before, after, g))
    assert largest(got.astype(float) - after) <= math.sqrt(steps) * widest


@pytest.mark.parametrize("vector", ["moment", "gradient"])
@pytest.mark.parametrize("bias_correction", [True, False])
def test_float32_keeps_six_digits_at_every_ratio_of_the_squared_gradient_to_rho(way, vector, bias_correction):
    for case, log_ratio in itertools.product(["one gradient", "any gradients"], [0, 4, 8, 12]):
        settings = {"beta": 0.9, "vector": vector, "bias_correction": bias_correction}
        G, rho, exact = sofim_directions(case, 4, log_ratio, **settings)
        optimizer, zero = SOFIM(lr=1.0, rho=rho, **settings), np.zeros(4, dtype=np.float32)
        state = SOFIMState(0, way.put(zero))
        for g, x in zip(G, exact, strict=True):
            w = way.put(zero)
            oracle = oracle_of(w, lambda _, g=g: way.put(g))
            state = optimizer.overwrite(way.kernels, w, state, oracle)
            assert np.linalg.norm(-to_numpy(w) - x) <= 1e-6 * np.linalg.norm(x), (case, log_ratio)


@pytest.mark.parametrize("size", [1e-150, 1e-158, 1e-160, 1e-170])
def test_gradients_whose_squares_are_not_normal_numbers(way, size):
    """With ρ ≫ ‖g‖² the first step is −ηg/ρ, however small it is."""
    optimizer, g = SOFIM(lr=1.0, rho=1.0, vector="gradient"), size * np.array([1.0, -2.0, 3.0])
    got = stepping(optimizer, way, np.zeros(3))(g)
    assert np.max(np.abs(got + g)) <= 4 * np.finfo(float).eps * 3 * size


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_entries(way, dtype):
    none = way.put(np.ones(0, dtype=dtype))
    for vector in ("moment", "gradient"):
        way.kernels.sofim(none, none, none, SOFIMStep(1.0, 1.0, 0.9, 1.0, vector, 0.0))
    sums = way.kernels.entrywise(lambda xp, b, g: [0.9 * b + g, b * g], (none, none), 1)
    assert [np.asarray(to_numpy(x) if hasattr(x, "shape") else x).item() for x in sums] == [0.0]
    assert none.shape == (0,)


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_strided_arrays(way, make):
    """Every second entry of a longer array, moment and gradient strided otherwise: the entries between stay."""
    if way.name == "numba":
        pytest.skip("numba's loops are given contiguous arrays only.")
    optimizer, rng = make(), np.random.default_rng(0)
    host, g = rng.standard_normal(140), rng.standard_normal(210)
    long, moments = way.put(host), way.put(np.zeros(280))
    w, gradient = long[::2], way.put(g)[::-3]
    state = optimizer.init(host[::2])
    others = {f.name: way.put(getattr(state, f.name)) for f in fields(state)[1:]}
    for k, name in enumerate(optimizer.overwritten(state)):
        moments[k::4] = others[name]
        others[name] = moments[k::4]
    state = replace(state, **others)
    oracle = oracle_of(w, lambda _: gradient)
    state = optimizer.overwrite(way.kernels, w, state, oracle)
    before, after = plain(optimizer, host[::2].copy())(g[::-3].copy())
    assert largest(to_numpy(w) - after) <= allowed(optimizer, before, after, g)
    assert np.array_equal(to_numpy(long)[1::2], host[1::2])
    assert not to_numpy(moments)[3::4].any()
    assert np.array_equal(to_numpy(gradient), g[::-3])


@pytest.mark.parametrize("dtype", DTYPES)
def test_as_stable_as_the_plain_solve(way, dtype):
    """From w = 0 with η = 1 a step is −C⁻¹g: multiplied with C it gives g back, to 8 eps of what C can make of it."""
    real, eps = np.dtype(dtype).type, float(np.finfo(dtype).eps)
    for length in (1, 2, 5, 64, 300):
        for log_size in range(-2, 9):
            rng = np.random.default_rng(length)
            M = (rng.standard_normal(length) * 10.0**log_size).astype(dtype)
            g = (M + rng.standard_normal(length) * rng.choice([0.0, 1e-9, 1e-3, 1.0])).astype(dtype)
            w, moment = way.put(np.zeros(length, dtype=dtype)), way.put(M)
            way.kernels.sofim(w, moment, way.put(g), SOFIMStep(1.0, 1.0, 0.9, 1.0, "gradient", 0.0))
            m, x, g = (to_numpy(a).astype(np.longdouble) for a in (moment, -w, g))
            residual = x + m * (m @ x) - g
            norms = (1 + m @ m) * np.linalg.norm(x) + np.linalg.norm(g)
            assert np.linalg.norm(residual) <= 8 * eps * norms, (length, log_size)
            assert np.max(np.abs(m - real(0.9) * M - real(1 - 0.9) * g)) <= eps * (largest(M) + largest(g))
