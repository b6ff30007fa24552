"""Steps in place: the same numbers as the plain formulas', in as few passes over memory as possible.

They are requested by ``optimizer.step(w, state, oracle, inplace=True)``. One file for each way: NumPy in blocks
(`numpy_blocks`), NumPy by numba (`numba_loops`, if the extra `fast` is installed), CuPy (`cupy_kernels`).
"""

from __future__ import annotations

import functools
import importlib
import itertools

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.namespace import is_cupy
from sofim_ref.arrays.validation import same_backend
from sofim_ref.kernels.kernels import AdamStep, Kernels, SGDStep, SOFIMStep

_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))

_LONG = 131_072  # for shorter arrays, waking a thread takes longer than its work

__all__ = ["AdamStep", "Kernels", "SGDStep", "SOFIMStep", "kernels_for"]


def kernels_for(gradient: Array, **overwritten: Array) -> Kernels | None:
    """Return the kernels that can take a step with these arrays in their own memory, or None if there are none.

    Parameters
    ----------
    gradient : array, shape (d,)
        What is read only.
    **overwritten : arrays, shape (d,)
        Point and moments, by name.

    Returns
    -------
    Kernels or None
        None for every backend but NumPy and CuPy, and every dtype but float32 and float64.

    Raises
    ------
    TypeError, ValueError
        If there are kernels, but an array to be overwritten is of another backend, device, dtype or shape than the
        gradient, is read-only, or shares memory with another or with the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> type(kernels_for(np.ones(4)[::2], w=np.ones(2))).__name__
    'NumpyBlocks'
    """
    on_host = type(gradient) is np.ndarray
    if not (on_host or is_cupy(gradient)) or gradient.dtype not in _DTYPES:
        return None
    for name, x in overwritten.items():
        same_backend(gradient=gradient, **{name: x})
        if x.shape != gradient.shape:
            msg = f"{name} must have shape {tuple(gradient.shape)}, as the gradient has, got {tuple(x.shape)}."
            raise ValueError(msg)
        if x.shape[0] > 1 and 0 in x.strides:
            msg = f"{name} must have memory for each of its entries for a step in place, got stride 0; pass a copy."
            raise ValueError(msg)
        if on_host and not x.flags.writeable:
            msg = f"{name} must be writeable for a step in place, got a read-only array; pass a copy."
            raise ValueError(msg)
    every = {**overwritten, "the gradient": gradient}
    for (name, x), (other, y) in itertools.combinations(every.items(), 2):
        if _share_memory(x, y):
            msg = f"{name} and {other} must not share memory for a step in place; pass a copy of {name}."
            raise ValueError(msg)
    if not on_host:
        return _cupy()
    compiled = gradient.shape[0] >= _LONG and all(x.flags.c_contiguous and x.flags.aligned for x in every.values())
    return (_numba() if compiled else None) or _numpy()


def _share_memory(x: Array, y: Array) -> bool:
    if isinstance(x, np.ndarray):
        return bool(np.shares_memory(x, y))
    return bool(importlib.import_module("cupy").may_share_memory(x, y))  # by bounds: the host alone decides


@functools.cache
def _numpy() -> Kernels:
    from sofim_ref.kernels.numpy_blocks import NumpyBlocks

    return NumpyBlocks()


@functools.cache
def _numba() -> Kernels | None:
    try:
        from sofim_ref.kernels.numba_loops import NumbaLoops
    except (ImportError, RuntimeError):  # numba isn't installed, or finds no folder to keep what it compiles
        return None
    return NumbaLoops()


@functools.cache
def _cupy() -> Kernels:
    from sofim_ref.kernels.cupy_kernels import CuPyKernels

    return CuPyKernels()
