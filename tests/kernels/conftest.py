"""One fixture, `way`, runs a test on every way to take a step in place: kernels, and the arrays they are for."""

import sys
from dataclasses import dataclass
from typing import Any

import cuda_on_host
import numpy as np
import pytest

from sofim_ref import arrays
from sofim_ref.kernels import Kernels, cupy_kernels, numpy_blocks, registers, threads
from sofim_ref.optimizers import Optimizer
from sofim_ref.optimizers.entrywise import Entrywise

WAYS = ("NumPy in blocks", "numba", "CUDA on the host", "CuPy")


@dataclass(frozen=True)
class Way:
    """Kernels, how arrays are put where they work, and lengths around their boundaries."""

    name: str
    kernels: Kernels
    put: Any
    lengths: tuple[int, ...]


@pytest.fixture
def any_length(monkeypatch):
    """Steps in place where they would take longer than plain ones."""
    for kind in (Optimizer, Entrywise):
        monkeypatch.setattr(kind, "pays_from", 0)


@pytest.fixture(scope="module", params=WAYS)
def way(request, tmp_path_factory):
    """A way to take steps in place; the test runs once for each that is usable here."""
    with pytest.MonkeyPatch.context() as patch:
        yield {
            "NumPy in blocks": _numpy,
            "numba": _numba,
            "CUDA on the host": _cuda_on_host,
            "CuPy": _cupy,
        }[request.param](patch, tmp_path_factory)


def _numpy(patch, _):
    patch.setattr(numpy_blocks, "BLOCK", 64)
    patch.setattr(registers, "BLOCK", 64)
    patch.setattr(numpy_blocks, "ROW", 16)
    return Way("NumPy in blocks", numpy_blocks.NumpyBlocks(), np.array, (1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 300))


def _numba(patch, _):
    compiled = pytest.importorskip("sofim_ref.kernels.compiled", exc_type=ImportError)
    loops = pytest.importorskip("sofim_ref.kernels.numba_loops", exc_type=ImportError)
    chunk = 2 * compiled.TILE
    patch.setattr(threads, "CHUNK", chunk)
    patch.setattr(threads, "LONG", chunk)
    patch.setattr(threads, "n_threads", lambda: 2)
    return Way("numba", loops.NumbaLoops(), np.array, (1, 2, 300, chunk - 1, chunk, chunk + 1, 5 * chunk + 1))


def _cuda_on_host(patch, tmp_path_factory):
    if cuda_on_host.COMPILER is None:
        pytest.skip("CUDA on the host: no C++ compiler here.")
    stand_in = cuda_on_host.stand_in_for_cupy(tmp_path_factory.mktemp("cuda"))
    patch.setitem(sys.modules, "cupy", stand_in)
    patch.setattr(cupy_kernels, "THREADS", cuda_on_host.THREADS)
    patch.setattr(cupy_kernels, "_kernel", cupy_kernels._kernel.__wrapped__)  # what it remembers is CuPy's
    threads = cuda_on_host.THREADS
    n_workers = threads * cupy_kernels.BLOCKS * cuda_on_host.MULTIPROCESSORS

    def put(x):
        return np.array(x).view(cuda_on_host.DeviceArray)

    lengths = (1, threads - 1, threads, threads + 1, n_workers - 1, n_workers, n_workers + 1, 300)
    return Way("CUDA on the host", cupy_kernels.CuPyKernels(), put, lengths)


def _cupy(*_):
    try:
        backend = arrays.open_backend("cupy")
    except RuntimeError as error:
        pytest.skip(str(error))
    threads = cupy_kernels.THREADS
    n_workers = threads * cupy_kernels.BLOCKS * backend.device.attributes["MultiProcessorCount"]
    lengths = (1, threads - 1, threads, threads + 1, n_workers - 1, n_workers, n_workers + 1)
    return Way("CuPy", cupy_kernels.CuPyKernels(), lambda x: backend.asarray(x, x.dtype.name), lengths)
