"""Steps that overwrite: the same numbers as the plain formulas', in as few trips through memory as there can be.

They are asked for by ``optimizer.step(w, state, oracle, inplace=True)``. One file for each way: NumPy in blocks
(`numpy_blocks`), NumPy by numba (`numba_loops`, if the extra `fast` is installed), CuPy (`cupy_kernels`).
"""

from __future__ import annotations

import functools
import importlib
import itertools

import array_api_compat
import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.kernels.kernels import Kernels
from sofim_ref.validation import together

__all__ = ["Kernels", "check_overwritable", "kernels_for"]


def kernels_for(*arrays: Array) -> Kernels | None:
    """Return the kernels for arrays of one backend and dtype, the one to overwrite first; None if there are none.

    Examples
    --------
    >>> import numpy as np
    >>> type(kernels_for(np.ones(4)[::2])).__name__
    'NumpyBlocks'
    """
    w = arrays[0]
    on_host = type(w) is np.ndarray
    if not (on_host or array_api_compat.is_cupy_array(w)) or w.dtype not in {
        np.dtype(np.float32),
        np.dtype(np.float64),
    }:
        return None
    if not on_host:
        return _cupy()
    contiguous = all(x.flags.c_contiguous and x.flags.aligned for x in arrays)
    return (_numba() if contiguous else None) or _numpy()


def check_overwritable(gradient: Array, **overwritten: Array) -> None:
    """Refuse what can't be overwritten: read-only arrays, and arrays that share memory with one another.

    Raises
    ------
    TypeError, ValueError
        If an array is of another backend, device, dtype or shape than the gradient, is read-only, or shares memory with
        another or with the gradient.
    """
    for name, x in overwritten.items():
        together(gradient=gradient, **{name: x})
        if x.shape != gradient.shape:
            msg = f"{name} must have shape {tuple(gradient.shape)}, as the gradient has, got {tuple(x.shape)}."
            raise ValueError(msg)
        if isinstance(x, np.ndarray) and not x.flags.writeable:
            msg = f"{name} must be writeable for a step in place, got a read-only array; pass a copy."
            raise ValueError(msg)
    for (name, x), (other, y) in itertools.combinations({**overwritten, "the gradient": gradient}.items(), 2):
        if _share_memory(x, y):
            msg = f"{name} and {other} must not share memory for a step in place; pass a copy of {name}."
            raise ValueError(msg)


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
    except ImportError:
        return None
    return NumbaLoops()


@functools.cache
def _cupy() -> Kernels:
    from sofim_ref.kernels.cupy_kernels import CuPyKernels

    return CuPyKernels()
