"""Steps on a GPU: the CUDA kernels of `steps.cu`, started through CuPy.

SOFIM takes two, one that reduces and one that goes over the entries; SGD and Adam take one. Products stay on the
device, so the host never waits; what is allocated is six numbers a block.
"""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.kernels.kernels import AdamStep, SGDStep, SOFIMStep

THREADS = 256
"""The number of threads in a block."""

BLOCKS = 8
"""The number of blocks for each multiprocessor: 2,048 threads, as many as one holds."""


class CuPyKernels:
    """The kernels for CuPy arrays, contiguous or strided."""

    def sofim(self, w: Array, h: Array, g: Array, step: SOFIMStep) -> None:
        """Take a step of SOFIM in w and h: 6d numbers are read or written for v = M̂, 7d for v = g."""
        lr, rho, kept, scale, vector, weight_decay = step
        real, d, blocks = w.dtype.type, np.int64(w.size), _blocks(w)
        with w.device:
            shares = importlib.import_module("cupy").empty((3, blocks, 2), dtype=np.float64)
            _run("sofim_mean", real, blocks, *_places(h, g), shares, d, real(kept), real(1 - kept))
            arrays = (w, h) if vector == "moment" else (w, h, g)
            numbers = map(np.float64, (lr, rho, scale, weight_decay))
            _run(f"sofim_along_{vector}", real, blocks, *_places(*arrays), shares, np.int32(blocks), d, *numbers)

    def sgd(self, w: Array, b: Array, g: Array, step: SGDStep) -> None:
        """Take a step of SGD in w and b: 5d numbers are read or written."""
        real, d = w.dtype.type, np.int64(w.size)
        numbers = (real(step.lr), real(step.momentum), np.int32(step.nesterov), real(step.weight_decay))
        with w.device:
            _run("sgd", real, _blocks(w), *_places(w, b, g), d, *numbers)

    def adam(self, w: Array, m: Array, s: Array, g: Array, step: AdamStep) -> None:
        """Take a step of Adam in w, m and s: 7d numbers are read or written."""
        lr, beta1, beta2, *others = step
        real, d = w.dtype.type, np.int64(w.size)
        numbers = (lr, beta1, 1 - beta1, beta2, 1 - beta2, *others)
        with w.device:
            _run("adam", real, _blocks(w), *_places(w, m, s, g), d, *map(real, numbers))


def _places(*arrays: Array) -> list[Any]:
    """Return each array and how many entries of it lie between one and the next."""
    return [argument for x in arrays for argument in (x, np.int64(x.strides[0] // x.itemsize))]


def _blocks(w: Array) -> int:
    """Return how many blocks to start: enough for all entries, but no more than the device holds at a time."""
    needed = -(-int(w.size) // THREADS)
    return max(1, min(BLOCKS * _multiprocessors(w.device), needed))


@functools.cache
def _multiprocessors(device: Any) -> int:
    return int(device.attributes["MultiProcessorCount"])


def _run(name: str, real: type[np.floating[Any]], blocks: int, *arguments: Any) -> None:
    _kernel(name, "float" if real is np.float32 else "double")((blocks,), (THREADS,), arguments)


@functools.cache
def _kernel(name: str, real: str) -> Any:
    source = (Path(__file__).parent / "steps.cu").read_text(encoding="utf-8")
    return importlib.import_module("cupy").RawKernel(source, name, (f"-DREAL={real}", f"-DTHREADS={THREADS}"))
