"""The CUDA kernels: that NVIDIA's compiler takes them, how many are started, and that no step waits for the host."""

import ctypes
import dataclasses
import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

import sofim_ref
from sofim_ref import SGD, SOFIM, Adam, arrays, kernels
from sofim_ref.kernels import cupy_kernels
from sofim_ref.kernels.cuda_program import source
from sofim_ref.kernels.expression import recorded
from sofim_ref.optimizers import REGISTRY
from sofim_ref.problems import Function

PROGRAM, NUMBERS = recorded(lambda xp, w, s, g: [w - g / xp.maximum(xp.sqrt(s), 0.1), s + g * g, w * g], 3)
SOURCE = Path(cupy_kernels.__file__).with_name("steps.cu").read_text() + source(PROGRAM, 2, ("",) * len(NUMBERS))
STEPS = {
    "SOFIM, moment": (SOFIM(), ["sofim_mean", "sofim_along_moment"]),
    "SOFIM, gradient": (SOFIM(vector="gradient"), ["sofim_mean", "sofim_along_gradient"]),
    "SGD": (SGD(momentum=0.9), ["entrywise"]),
    "Adam": (Adam(), ["entrywise"]),
}


@pytest.fixture(scope="module")
def nvrtc():
    """NVIDIA's run-time compiler, which needs no GPU."""
    for name in ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"):
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for file in files:
            if file.name.startswith("libnvrtc.so"):
                return ctypes.CDLL(str(file.locate()))
    pytest.skip("NVIDIA's compiler isn't installed: nvidia-cuda-nvrtc.")


@pytest.mark.parametrize("real", ["float", "double"])
@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90"])
def test_nvidias_compiler_takes_them(nvrtc, architecture, real):
    """Machine code for each architecture, all four kernels in it, no warning, no spilt register, no local array."""
    options = [f"--gpu-architecture={architecture}", f"-DREAL={real}", "--ptxas-options=-v"]
    options = [option.encode() for option in [*options, f"-DTHREADS={cupy_kernels.THREADS}"]]
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), SOURCE.encode(), b"steps.cu", 0, None, None) == 0
    status = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    log = log.value.decode()
    assert status == 0, log
    assert "warning" not in log
    assert log.count("0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads") == 4
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    machine_code = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, machine_code)
    names = {name for _, started in STEPS.values() for name in started}
    assert all(name.encode() in machine_code.raw for name in names)
    assert len(names) == 4


@pytest.mark.parametrize(("optimizer", "expected"), STEPS.values(), ids=STEPS)
def test_kernels_a_step(way, optimizer, expected):
    """One reduction and one trip over the entries for SOFIM, one trip for the others; nothing else is started."""
    if way.name != "CUDA on the host":
        pytest.skip("Counted where starts can be.")
    import cupy

    w, g = way.put(np.ones(50)), way.put(np.ones(50))
    state = optimizer.init(np.ones(50))
    state = type(state)(0, *(way.put(np.zeros(50)) for _ in dataclasses.fields(state)[1:]))
    del cupy.started[:]
    optimizer.overwrite(way.kernels, w, state, Function(50, lambda w: w @ w, lambda w: g).oracle(w))
    assert cupy.started == expected


@pytest.fixture
def counted(monkeypatch):
    """Return the list to which every number is added that leaves the stand-in device for the host."""
    strict = pytest.importorskip("array_api_strict")
    pulled = []
    for name in ("__bool__", "__float__", "__int__", "__index__", "__complex__"):
        plain = getattr(strict._array_object.Array, name)

        def counting(self, plain=plain, name=name):
            pulled.append(name)
            return plain(self)

        monkeypatch.setattr(strict._array_object.Array, name, counting)
    to_numpy = arrays.to_numpy
    monkeypatch.setattr(arrays, "to_numpy", lambda x: pulled.append("to_numpy") or to_numpy(x))
    return pulled


# What decides on the host, by design: line searches, a damping that is turned up and down, solvers that stop when they
# are done, whether a pair of differences is kept, and the refusal of an indefinite C.
DECIDES_ON_THE_HOST = {
    *("newton", "newton-cg", "gauss-newton", "trust-region-newton", "cubic-newton"),
    *("lbfgs", "bfgs", "broyden", "sr1", "fagh", "sofim-adaptive"),
}


def problem_on_a_device():
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    rng = np.random.default_rng(0)
    X = strict.asarray(rng.standard_normal((12, 2)), device=device)
    y = strict.asarray(rng.integers(0, 2, 12), device=device)
    return sofim_ref.problems.MLPClassifier(X, y, hidden=(3,), l2=0.1)


@pytest.mark.parametrize("method", REGISTRY.values(), ids=REGISTRY)
def test_no_number_leaves_the_device_within_a_step(counted, method):
    problem = problem_on_a_device()
    optimizer, w = method.make(), problem.initial_point()
    state = optimizer.init(w)
    for _ in range(3):
        oracle = problem.oracle(w)
        oracle.gradient()
        del counted[:]
        w, state = optimizer.step(w, state, oracle)
        assert (method.name in DECIDES_ON_THE_HOST) == bool(counted)


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("method", REGISTRY.values(), ids=REGISTRY)
def test_no_number_leaves_the_device_between_two_records_of_a_run(counted, method, batch_size):
    if method.name in DECIDES_ON_THE_HOST:
        pytest.skip("Its steps decide on the host.")
    problem = problem_on_a_device()
    pulled = []
    trace = sofim_ref.minimize(
        problem,
        method.make(),
        steps=8,
        batch_size=batch_size,
        record_every=4,
        metrics={"since the record before": lambda _: pulled.append(len(counted)) or 0.0},
        callbacks=[lambda *_: counted.clear()],
    )
    assert trace["step"].tolist() == [0, 4, 8]
    assert pulled[1:] == [3, 3]  # the record's own: the loss, the norms of the gradient and of the step


@pytest.fixture(scope="module")
def cupy():
    try:
        arrays.open_backend("cupy")
    except RuntimeError as error:
        pytest.skip(str(error))
    import cupy

    return cupy


def copied(state):
    return type(state)(state.step, *(getattr(state, f.name).copy() for f in dataclasses.fields(state)[1:]))


@pytest.mark.parametrize("inplace", [False, True], ids=["plain", "in place"])
@pytest.mark.parametrize(("optimizer", "_"), STEPS.values(), ids=STEPS)
def test_a_step_can_be_captured_as_a_graph(cupy, optimizer, _, inplace):
    """CUDA refuses to capture what waits for the host, or copies to it: a step that it captures does neither."""
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        w, g = cupy.ones(5000), cupy.ones(5000) / 70
        state = optimizer.init(w)

        def step(w, state):
            oracle = Function(5000, lambda w: w @ w, lambda w: g).oracle(w)
            return optimizer.step(w, state, oracle, inplace=inplace)

        for _ in range(3):  # compile, and leave the pool with memory of the right sizes
            step(w.copy(), copied(state))
        stream.synchronize()
        following, before = w.copy(), copied(state)
        stream.begin_capture()
        try:
            step(following, before)
        finally:
            graph = stream.end_capture()
        graph.launch(stream)
        stream.synchronize()


@pytest.mark.parametrize(("optimizer", "_"), STEPS.values(), ids=STEPS)
def test_a_step_in_place_allocates_next_to_nothing(cupy, optimizer, _):
    class Allocated(cupy.cuda.memory_hook.MemoryHook):
        name = "Allocated"
        bytes = 0

        def malloc_preprocess(self, **about):
            self.bytes += about["mem_size"]

    w, g = cupy.ones(20_000_000, dtype="float32"), cupy.full(20_000_000, 1e-4, dtype="float32")
    state = optimizer.init(w)
    oracle = Function(w.size, lambda w: w @ w, lambda w: g).oracle(w)
    optimizer.overwrite(kernels.kernels_for(g, w=w), w, state, oracle)
    with Allocated() as hook:
        optimizer.overwrite(kernels.kernels_for(g, w=w), w, state, oracle)
    assert hook.bytes <= 0.02 * w.nbytes


def test_cupy_makes_the_kernels_without_a_gpu():
    cupy = pytest.importorskip("cupy")
    for name in {name for _, started in STEPS.values() for name in started}:
        assert isinstance(cupy_kernels._kernel(name, "float", ""), cupy.RawKernel)
