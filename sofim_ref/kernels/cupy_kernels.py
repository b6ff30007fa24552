"""Steps on a GPU: the CUDA kernels of `steps.cu`, started through CuPy.

SOFIM takes two, one that reduces and one that goes over the entries; an update of each entry takes one, made of its
program. Sums stay on the device, so the host never waits; what is allocated is six numbers a block.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.kernels import cuda_program
from sofim_ref.kernels.expression import Update, recorded
from sofim_ref.kernels.kernels import SOFIMStep

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

    def entrywise(self, update: Update, arrays: Sequence[Array], overwritten: int) -> list[Array]:
        """Overwrite the first arrays by the update, in one kernel, and return the sums of what else it returns."""
        program, numbers = recorded(update, len(arrays))
        w, n_sums = arrays[0], len(program.results) - overwritten
        real, blocks = w.dtype.type, _blocks(w)
        there = tuple(str(x.dtype) if getattr(x, "shape", ()) else "" for x in numbers)
        arguments = [x if kind else real(x) for x, kind in zip(numbers, there, strict=True)]
        with w.device:
            if n_sums:
                shares = importlib.import_module("cupy").empty((n_sums, blocks, 2), dtype=np.float64)
                arguments.append(shares)
            source = cuda_program.source(program, overwritten, there)
            _run("entrywise", real, blocks, *_places(*arrays), np.int64(w.size), *arguments, source=source)
            sums: Any = shares.sum(axis=(1, 2)) if n_sums else None
        return [sums[k : k + 1] for k in range(n_sums)]


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


def _run(name: str, real: type[np.floating[Any]], blocks: int, *arguments: Any, source: str = "") -> None:
    _kernel(name, "float" if real is np.float32 else "double", source)((blocks,), (THREADS,), arguments)


@functools.lru_cache(maxsize=256)
def _kernel(name: str, real: str, source: str) -> Any:
    steps = (Path(__file__).parent / "steps.cu").read_text(encoding="utf-8")
    options = (f"-DREAL={real}", f"-DTHREADS={THREADS}")
    return importlib.import_module("cupy").RawKernel(steps + source, name, options)
