"""One fixture, `xp`, runs a test on every backend: arrays are made through it, and land where it says."""

import importlib.metadata
import importlib.util
import os
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest
from cases import ProblemCase
from hypothesis import HealthCheck, settings

from sofim_ref import arrays
from sofim_ref.matrices import RankOne
from sofim_ref.optimizers import REGISTRY, Method, Optimizer
from sofim_ref.verify import verify

settings.register_profile("suite", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# No doctests in them, and two modules of one name can't be collected.
collect_ignore_glob = ["*conftest.py", "mutation/*"]
if importlib.util.find_spec("torch") is None:
    collect_ignore_glob += ["bridges/torch_loop.py", "torch_networks.py"]

QUICK_COMPILATION = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
"""JAX compiles small programs in half the time with these. XLA ends the process at a flag that it does not know."""


def pytest_configure(config):
    """Set JAX up, before a test imports it: compiled programs are kept between runs and shared by all workers.

    A worker computes on one thread, since there is a worker for each core.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if hasattr(config, "cache"):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    with suppress(importlib.metadata.PackageNotFoundError):
        if importlib.metadata.version("jaxlib").startswith("0.10."):  # the version that constraints.txt names
            os.environ.setdefault("XLA_FLAGS", QUICK_COMPILATION)


def _place_of(item):
    """The name of the place, or of the way to take steps, that a test is run in; empty if it is run in none."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    place = params.get("xp", params.get("way", ""))
    return place if isinstance(place, str) else ""  # other tests call other things a way


REPRESENTATIVES = {
    *("SGD", "SOFIM", "Adam", "SOAA", "TAdam", "AdaFisher", "AdaFisherW", "AdamW", "AdaHessian", "NaturalGradient"),
    *("KFAC", "GaussNewton", "Newton", "NewtonCG", "LBFGS", "NystromSGD"),
}
"""The optimizers that the quick tests take to every place: each structure of C, and each kind of question."""


def _is_of_another_method(item):
    """Whether a test is one of several over methods, its own no representative; or of losses, its own in blocks."""
    for value in item.callspec.params.values() if hasattr(item, "callspec") else ():
        if isinstance(value, ProblemCase) and value.name.startswith("Blocks"):
            return True
        method = REGISTRY.get(value) if isinstance(value, str) else value
        optimizer = method.build(steps=1) if isinstance(method, Method) else method
        if isinstance(optimizer, Optimizer) and type(optimizer).__module__.startswith("sofim_ref."):
            return type(optimizer).__name__ not in REPRESENTATIVES
    return False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Make a test slow in the places that its mark `slow_on` names, and, if of another method, beyond NumPy.

    On JAX, which compiles anew for each shape, all cases of a test but the first are slow: the stand-in
    `array_api_strict` shows quickly that they ask for nothing but what the standard has.
    """
    on_jax = set()
    for item in items:
        place, test = _place_of(item), item.nodeid.partition("[")[0]
        elsewhere = place not in ("", "numpy") or re.search("jax|optax|torch", item.path.name)
        named = any(place.startswith(mark.args) for mark in item.iter_markers("slow_on"))
        another = place.startswith("jax") and test in on_jax
        if named or another or (elsewhere and _is_of_another_method(item)):
            item.add_marker("slow")
        elif place.startswith("jax") and item.get_closest_marker("slow") is None:
            on_jax.add(test)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a property in full on NumPy, and on the other places on a fixed fifth of its examples."""
    test = pyfuncitem.obj
    full = getattr(test, "_hypothesis_internal_use_settings", None)
    if full is None or "xp" not in pyfuncitem.fixturenames or _place_of(pyfuncitem) == "numpy":
        return (yield)
    sample = settings(full, max_examples=max(2, full.max_examples // 5), derandomize=True, database=None)
    test._hypothesis_internal_use_settings = sample  # where Hypothesis keeps what `@settings` says
    try:
        return (yield)
    finally:
        test._hypothesis_internal_use_settings = full


@dataclass(frozen=True)
class Place:
    """Where a test's arrays live: a backend, a device, and the dtypes it has."""

    name: str
    backend: arrays.Backend
    read_only: bool = False

    @property
    def dtypes(self):
        return tuple(self.backend.dtypes())

    @property
    def widest(self):
        """The name of the widest real dtype here."""
        return self.dtypes[-1]

    def asarray(self, host, dtype=None):
        """Put host numbers here; floating ones as `dtype`, the widest if none is named."""
        host = np.asarray(host)
        if np.issubdtype(host.dtype, np.floating):
            host = host.astype(dtype or self.widest)
        array = self.backend.asarray(host)
        if self.read_only:
            array.flags.writeable = False
        return array

    def eps(self, dtype=None):
        return float(np.finfo(dtype or self.widest).eps)


@dataclass(frozen=True)
class OneDtype(arrays.Backend):
    """A backend in one dtype: what JAX compiles for the other doubles the time of every test."""

    dtype: str

    def dtypes(self):
        return {self.dtype: super().dtypes()[self.dtype]}


def _place(name):
    if name == "numpy read-only":
        return Place(name, arrays.open_backend("numpy"), read_only=True)
    if name.startswith("jax"):
        jax = arrays.open_backend("jax")
        return Place("jax", OneDtype("jax", jax.xp, jax.device, jax.version, name.split()[1]))
    if name.startswith("array_api_strict"):
        import array_api_strict as strict

        device = strict.Device(name.split()[1])
        return Place(name, arrays.Backend(name, strict, device, strict.__version__))
    return Place(name, arrays.open_backend(name))


PLACES = (
    "numpy",
    "numpy read-only",
    "array_api_strict device1",  # stands in for a GPU: np.asarray of its arrays raises, and so does mixing devices
    "array_api_strict no_float64",
    "torch",
    "jax float64",
    "jax float32",
    "cupy",
)
SLOW = {"array_api_strict no_float64", "jax float32"}
"""The places without float64: in the others float32 is tested too, JAX apart."""
ABSENT = [place for place in PLACES if importlib.util.find_spec(place.split()[0]) is None]
PRESENT = [
    pytest.param(place, marks=pytest.mark.slow) if place in SLOW else place for place in PLACES if place not in ABSENT
]


@pytest.fixture(scope="session", params=PRESENT)
def xp(request):
    """A place for arrays; the test runs once in each that is usable here."""
    try:
        return _place(request.param)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{request.param}: {error}")


@pytest.fixture
def little_verified(monkeypatch):
    """Tours verify one matrix and two methods: for the tests that are about something else."""

    def few(backends, *, methods, **settings):
        return verify(backends, methods=methods[:2], matrices=[RankOne], **settings)

    monkeypatch.setattr("sofim_ref.studies.tour.verify", few)


@pytest.fixture(scope="session")
def numpy_place():
    return _place("numpy")


def pytest_terminal_summary(terminalreporter):
    """Say which places are absent, and each reason for skipping once, with how many tests it skipped."""
    if ABSENT:
        terminalreporter.write_line(f"not installed, so that no test is run there: {', '.join(ABSENT)}")
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])
    )
    for reason, tests in reasons.most_common():
        terminalreporter.write_line(f"{tests:5} skipped: {reason}")
