"""Who gets a step in place, what is refused, and what `step` does where there are no kernels."""

import dataclasses
import sys

import numpy as np
import pytest

from sofim_ref import (
    IVON,
    SGD,
    SOAA,
    SOFIM,
    AdaFisher,
    AdaGrad,
    AdaHessian,
    Adam,
    AdamW,
    NaturalGradient,
    RootFreeRMSProp,
    TAdam,
    arrays,
    kernels,
)
from sofim_ref.arrays import to_numpy
from sofim_ref.problems import Function, LogisticRegression, MLPClassifier, Quadratic

WITH_KERNELS = (SOFIM(), SOFIM(vector="gradient"), SGD(momentum=0.9), Adam(), AdamW())
ENTRYWISE = (
    *(AdaGrad(), RootFreeRMSProp(beta1=0.9), AdaHessian(), AdaFisher(update_every=2), IVON()),
    *(SOAA(lr=0.01, steps=100), TAdam(lr=0.01, steps=100)),
)
ENDS = {"numpy", "cupy"}  # the places whose arrays are overwritten


@pytest.fixture(params=["blocks", "numba"])
def numpy_way(request, monkeypatch, any_length):
    """NumPy's arrays, with numba and as if it weren't installed."""
    if request.param == "blocks":
        monkeypatch.setattr(kernels, "_numba", lambda: None)
    elif kernels._numba() is None:
        pytest.skip("numba isn't installed.")
    else:
        monkeypatch.setattr(kernels, "_LONG", 0)


def average_of(state):
    """The name of a state's first array, an average of gradients, and the array."""
    name = dataclasses.fields(state)[1].name
    return name, getattr(state, name)


def problem_of(xp, dtype=None):
    rng = np.random.default_rng(0)
    X, y = xp.asarray(rng.standard_normal((20, 3)), dtype), xp.asarray(rng.integers(0, 3, 20))
    return MLPClassifier(X, y, hidden=(4,))


@pytest.mark.parametrize("optimizer", [*WITH_KERNELS, *ENTRYWISE, SOFIM(scope="layer"), NaturalGradient()], ids=repr)
def test_every_backend(xp, optimizer, any_length):
    """Twelve steps in place end where twelve plain ones do; w is the same array exactly where it may be."""
    if xp.name == "jax" and optimizer is not WITH_KERNELS[0]:
        pytest.skip("one method shows that JAX gets the plain step; it compiles each for seconds")
    for dtype in xp.dtypes:
        problem = problem_of(xp, dtype)
        start = problem.initial_point()
        w, state = xp.backend.xp.asarray(start, copy=True), optimizer.init(start)
        plain_w, plain_state = start, optimizer.init(start)
        for batch in [*problem.batches(10)] * 6:
            following, state = optimizer.step(w, state, problem.oracle(w, batch), inplace=True)
            plain_w, plain_state = optimizer.step(plain_w, plain_state, problem.oracle(plain_w, batch))
            assert (following is w) == (optimizer.has_kernel and xp.name.split()[0] in ENDS)
            w = following
        assert state.step == plain_state.step == 12
        scale = np.max(np.abs(to_numpy(plain_w)))
        # Where squares as small as ϵ are divided by, what was rounded there comes out larger
        most = 1e4 if isinstance(optimizer, Adam | AdaGrad | AdaHessian | SOAA | TAdam) else 200
        assert np.max(np.abs(to_numpy(w) - to_numpy(plain_w))) <= most * xp.eps(dtype) * scale


def test_layers_are_stepped_one_by_one(numpy_way, numpy_place):
    problem, optimizer = problem_of(numpy_place), SOFIM(scope="layer", rho=1e-3)
    w = problem.initial_point()
    expected, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    got, _ = optimizer.step(w.copy(), optimizer.init(w), problem.oracle(w), inplace=True)
    one, _ = SOFIM(rho=1e-3).step(w.copy(), optimizer.init(w), problem.oracle(w), inplace=True)
    assert np.allclose(got, expected, rtol=1e-12)
    assert not np.allclose(got, one, rtol=1e-3)


@pytest.mark.parametrize("optimizer", WITH_KERNELS, ids=repr)
def test_read_only(numpy_way, optimizer):
    problem, w = Quadratic(np.eye(3), np.ones(3)), np.ones(3)
    state = optimizer.init(w)
    w.flags.writeable = False
    with pytest.raises(ValueError, match=r"^w must be writeable for a step in place, got a read-only array"):
        optimizer.step(w, state, problem.oracle(w), inplace=True)
    name, average = average_of(state)
    average.flags.writeable = False
    with pytest.raises(ValueError, match=rf"^{name} must be writeable"):
        optimizer.step(w.copy(), state, problem.oracle(w), inplace=True)
    assert state.step == 0
    assert not average.any()


@pytest.mark.parametrize("optimizer", WITH_KERNELS, ids=repr)
def test_a_read_only_gradient_is_only_read(numpy_way, optimizer):
    g = np.arange(3.0)
    g.flags.writeable = False
    problem, w = Function(3, lambda w: w @ w, lambda w: g), np.ones(3)
    got, _ = optimizer.step(w.copy(), optimizer.init(w), problem.oracle(w), inplace=True)
    assert np.allclose(got, optimizer.step(w, optimizer.init(w), problem.oracle(w))[0], rtol=1e-15)


@pytest.mark.parametrize("optimizer", WITH_KERNELS, ids=repr)
def test_shared_memory(numpy_way, optimizer):
    """The gradient of ½‖w‖² is w, and may come as the very same array."""
    w = np.ones(3)
    alias = Function(3, lambda w: w @ w / 2, lambda w: w)
    with pytest.raises(ValueError, match=r"^w and the gradient must not share memory"):
        optimizer.step(w, optimizer.init(w), alias.oracle(w), inplace=True)
    reverse = Function(3, lambda w: w @ w / 2, lambda w: w[::-1])
    with pytest.raises(ValueError, match=r"^w and the gradient must not share memory"):
        optimizer.step(w, optimizer.init(w), reverse.oracle(w), inplace=True)
    problem, state = Quadratic(np.eye(3), np.zeros(3)), optimizer.init(w)
    name, _ = average_of(state)
    state = dataclasses.replace(state, **{name: w})
    with pytest.raises(ValueError, match=rf"^w and {name} must not share memory"):
        optimizer.step(w, state, problem.oracle(w), inplace=True)
    assert np.array_equal(w, np.ones(3))


def test_entries_that_share_memory(numpy_way):
    w = np.broadcast_to(np.float64(1.0), (3,))
    w.flags.writeable = True
    problem = Quadratic(np.eye(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"^w must have memory for each of its entries"):
        SGD().step(w, SGD().init(np.ones(3)), problem.oracle(w), inplace=True)


def test_neighbours_that_share_no_entry(numpy_way):
    long = np.arange(6.0)
    w, g = long[::2], long[1::2]
    problem, optimizer = Function(3, lambda w: w @ w, lambda w: g), SGD(lr=1.0)
    optimizer.step(w, optimizer.init(w), problem.oracle(w), inplace=True)
    assert np.array_equal(long, [-1, 1, -1, 3, -1, 5])


@pytest.mark.parametrize("optimizer", WITH_KERNELS, ids=repr)
def test_a_state_that_does_not_fit(numpy_way, optimizer):
    problem, w = Quadratic(np.eye(3), np.zeros(3)), np.ones(3)
    short = optimizer.init(np.ones(2))
    name, _ = average_of(short)
    with pytest.raises(ValueError, match=rf"^{name} must have shape \(3,\), as the gradient has, got \(2,\)"):
        optimizer.step(w, short, problem.oracle(w), inplace=True)
    narrow = optimizer.init(np.ones(3, dtype=np.float32))
    with pytest.raises(TypeError, match="must have one dtype"):
        optimizer.step(w, narrow, problem.oracle(w), inplace=True)


def test_nothing_moves_if_the_schedule_fails(numpy_way):
    optimizer = SOFIM(lr=lambda step: -1.0)
    problem, w = Quadratic(np.eye(3), np.zeros(3)), np.ones(3)
    state = optimizer.init(w)
    with pytest.raises(ValueError, match=r"lr\(0\) must be"):
        optimizer.step(w, state, problem.oracle(w), inplace=True)
    assert np.array_equal(w, np.ones(3))
    assert not state.mean.any()


def test_rho_out_of_the_range_of_the_dtype(numpy_way):
    w = np.ones(3, dtype=np.float32)
    problem = Quadratic(np.eye(3, dtype=np.float32), 0 * w)
    for vector in ("moment", "gradient"):
        with pytest.raises(ValueError, match="rho must be at least"):
            SOFIM(rho=1e-60, vector=vector).step(w, SOFIM().init(w), problem.oracle(w), inplace=True)


@pytest.mark.parametrize("vector", ["moment", "gradient"])
@pytest.mark.parametrize("size", [1e-170, 1e-158, 1e80, 1e100, 1e153, 1e160, 0.0])
def test_squares_that_no_number_holds(numpy_way, vector, size):
    """Where ‖g‖² over- or underflows the plain formula takes over; where only its square would, nobody notices."""
    g = size * np.arange(1.0, 5.0)
    problem, w, optimizer = Function(4, lambda w: w @ w, lambda w: g), np.zeros(4), SOFIM(rho=1e-300, vector=vector)
    expected, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    got, _ = optimizer.step(w.copy(), optimizer.init(w), problem.oracle(w), inplace=True)
    assert np.allclose(got, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("vector", ["moment", "gradient"])
def test_float32_squares_beyond_float32(numpy_way, vector):
    g = np.float32([3e25, 4e25])
    problem, w = Function(2, lambda w: w @ w, lambda w: g), np.zeros(2, dtype=np.float32)
    optimizer = SOFIM(lr=1e25, rho=1e30, vector=vector)
    expected, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    got, _ = optimizer.step(w.copy(), optimizer.init(w), problem.oracle(w), inplace=True)
    assert expected.any()
    assert np.allclose(got, expected, rtol=1e-6, atol=0)


def test_other_dtypes_get_the_plain_step():
    w = np.ones(3, dtype=np.float16)
    assert kernels.kernels_for(w) is None
    assert kernels.kernels_for(np.ones(3, dtype=">f8")) is None


def test_a_method_without_a_kernel_says_so():
    w = np.ones(3)
    oracle = LogisticRegression(np.eye(3), np.asarray([0, 1, 1]), intercept=False).oracle(w)
    with pytest.raises(
        TypeError, match=r"NaturalGradient\(.*\) has no kernel; step\(…, inplace=True\) takes its plain"
    ):
        NaturalGradient().overwrite(kernels._numpy(), w, NaturalGradient().init(w), oracle)


def test_the_whole_run_in_place(numpy_way):
    """The loop of the README, in place: the same minimum."""
    rng = np.random.default_rng(0)
    problem = LogisticRegression(rng.standard_normal((50, 4)), rng.integers(0, 2, 50), l2=0.1)
    optimizer = SOFIM(lr=3.0)
    w = problem.initial_point()
    state = optimizer.init(w)
    for _ in range(300):
        w, state = optimizer.step(w, state, problem.oracle(w), inplace=True)
    assert np.allclose(w, problem.optimum(), atol=1e-8)


def test_without_numba_there_are_still_kernels(monkeypatch):
    monkeypatch.setitem(sys.modules, "sofim_ref.kernels.numba_loops", None)  # what Python does where an import fails
    monkeypatch.setattr(kernels, "_numba", kernels._numba.__wrapped__)
    long = np.ones(200_000)
    assert isinstance(kernels.kernels_for(long, w=long.copy()), type(kernels._numpy()))


def test_long_arrays_get_numbas_loops_if_it_is_installed():
    pytest.importorskip("numba")
    long = np.ones(200_000)
    assert isinstance(kernels.kernels_for(long, w=long.copy()), type(kernels._numba()))
    assert isinstance(kernels.kernels_for(long[::2], w=long[::2].copy()), type(kernels._numpy()))
    assert isinstance(kernels.kernels_for(long[:9], w=long[:9].copy()), type(kernels._numpy()))


def test_kernels_of_every_backend_have_one_interface():
    ways = [kernels._numpy(), kernels._numba(), kernels._cupy() if "cupy" in arrays.BACKENDS else None]
    for way in filter(None, ways):
        assert {"sofim", "entrywise"} <= set(dir(way))
