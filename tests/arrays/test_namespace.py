import subprocess
import sys
from types import SimpleNamespace

import array_api_strict as strict
import numpy as np
import pytest
from oracles import assert_at

from sofim_ref import arrays

# ------------------------------------------------------------ numbers


def test_facts_of_a_dtype_are_those_of_numpy(xp):
    for dtype in xp.dtypes:
        there, info = getattr(xp.backend.xp, dtype), np.finfo(dtype)
        assert arrays.eps(xp.backend.xp, there) == float(info.eps)
        assert arrays.smallest_normal(xp.backend.xp, there) == float(info.tiny)
        assert arrays.normal_range(xp.backend.xp, there) == (float(info.tiny), 1 / float(info.tiny))
        assert arrays.is_real_floating(xp.backend.xp, there)
        assert not arrays.is_integral(xp.backend.xp, there)


def test_what_is_no_array_has_no_namespace():
    with pytest.raises(TypeError, match="list"):
        arrays.namespace([1.0])


# ------------------------------------------------------------ between host and device


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_a_round_trip_keeps_numbers_and_shares_no_memory(xp, dtype):
    if dtype == "float64" and xp.widest == "float32":
        pytest.skip("this place has no float64")
    a = np.asarray([[0, 1, 1], [1, 0, 1]], dtype=dtype)
    like = xp.asarray(np.zeros(1), dtype if dtype.startswith("float") else None)
    there = arrays.from_numpy(a, like=like)
    assert_at(there, like, getattr(xp.backend.xp, dtype))
    a[0, 0] = 1
    back = arrays.to_numpy(there)
    assert (back.dtype.name, back[0, 0]) == (dtype, 0)
    if "numpy" not in xp.name:
        back[0, 1] = 0
        assert arrays.to_numpy(there)[0, 1] == 1


def test_host_numbers_take_the_floating_dtype_of_their_neighbour(xp):
    like = xp.asarray(np.zeros(1), "float32")
    for shape in ((2,), (), (0,)):
        there = arrays.from_numpy(np.ones(shape), like=like)
        assert_at(there, like)
        assert there.shape == shape


def test_a_numpy_array_on_the_host_is_not_copied():
    a = np.ones(3)
    assert arrays.to_numpy(a) is a
    assert arrays.to_numpy(np.float64(2)) == 2


def test_waiting_for_an_array_gives_nothing_back(xp):
    assert arrays.synchronize(xp.asarray(np.ones(2))) is None


# ------------------------------------------------------------ backends


def test_an_unknown_backend_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"backend must be one of numpy, cupy, .*, got 'numpi'\. Did you mean 'numpy'"):
        arrays.open_backend("numpi")
    with pytest.raises(ValueError, match=r"got 'fortran'\.$"):
        arrays.open_backend("fortran")


def absent(monkeypatch, name, how):
    """Make the import of one package end in `how`."""
    real = arrays.backends.importlib.import_module
    monkeypatch.setattr(arrays.backends.importlib, "import_module", lambda n: how() if n == name else real(n))
    arrays.open_backend.cache_clear()


def failing(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModuleNotFoundError("No module named 'cupy'"), "No module named 'cupy'"),
        (OSError("libcuda.so.1: cannot open\nlong story"), "libcuda.so.1: cannot open"),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
)
def test_a_backend_that_cannot_be_used_is_listed_with_its_reason(monkeypatch, error, reason):
    absent(monkeypatch, "cupy", failing(error))
    found = arrays.available_backends(["numpy", "cupy"])
    assert found["numpy"].name == "numpy"
    assert found["cupy"] == f"backend 'cupy' can't be used here: {reason}"


def test_a_cupy_without_a_gpu_says_so(monkeypatch):
    cupy = SimpleNamespace(__version__="13.4", cuda=SimpleNamespace(is_available=lambda: False))
    absent(monkeypatch, "cupy", lambda: cupy)
    with pytest.raises(RuntimeError, match=r"backend 'cupy' can't be used here: CuPy is installed, but CUDA finds no"):
        arrays.open_backend("cupy")


def test_a_backend_that_computes_wrongly_is_refused(monkeypatch):
    monkeypatch.setattr(arrays.backends, "to_numpy", lambda x: np.zeros(x.shape))
    arrays.open_backend.cache_clear()
    with pytest.raises(RuntimeError, match=r"backend 'numpy' can't be used here: a 2 x 2 matrix product is wrong"):
        arrays.open_backend("numpy")


@pytest.mark.parametrize("name", ["numpy", "array_api_strict", "torch", "jax"])
def test_an_open_backend_makes_arrays_of_its_own(name):
    backend = arrays.available_backends([name])[name]
    if isinstance(backend, str):
        pytest.skip(backend)
    x = backend.asarray([1.0, 2.0], "float32")
    assert arrays.namespace(x) is backend.xp
    assert arrays.device(x) == backend.device
    assert (backend.name, set(backend.dtypes())) == (name, {"float32", "float64"})
    assert arrays.open_backend(name) is backend


def test_a_device_without_float64_says_so():
    backend = arrays.Backend("strict", strict, strict.Device("no_float64"), strict.__version__)
    assert set(backend.dtypes()) == {"float32"}


HEAVY = ["array_api_compat", "scipy", "matplotlib", "sklearn", "cupy", "torch", "jax", "rich", "ipywidgets"]


@pytest.mark.parametrize(
    ("program", "left_alone"),
    [
        ("import sofim_ref", [*HEAVY, "numpy"]),
        ("import sofim_ref; sofim_ref.SOFIM", [*HEAVY, "numpy.testing", "sofim_ref.optimizers.kfac"]),
    ],
)
def test_what_isn_t_needed_isn_t_imported(program, left_alone):
    code = f"{program}; import sys; print([name for name in {left_alone} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_jax_in_its_default_32_bits_warns_of_nothing():
    program = """
import jax.numpy as jnp
import numpy as np
import sofim_ref as sr

X = jnp.asarray(np.random.default_rng(0).standard_normal((20, 3)), dtype=jnp.float32)
problem = sr.problems.LogisticRegression(X, jnp.asarray(np.arange(20) % 2), l2=0.01)
w = problem.optimum()
assert float(jnp.linalg.norm(problem.oracle(w).gradient())) < 1e-6
for optimizer in (sr.SOFIM(), sr.SOFIM(vector="gradient"), sr.NaturalGradient(fisher="empirical"), sr.Newton()):
    trace = sr.minimize(problem, optimizer, steps=4, batch_size=2)
    assert trace.w.dtype == jnp.float32, trace.w.dtype
    assert trace.status.name == "BUDGET_SPENT", trace.status
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
