"""Steps in place: the same numbers as the plain formulas', in as few passes over memory as possible.

They are requested by ``optimizer.step(w, state, oracle, inplace=True)``. One file for each way: NumPy in blocks
(`numpy_blocks`), NumPy by numba (`numba_loops`, if the extra `fast` is installed), CuPy (`cupy_kernels`).
"""

from __future__ import annotations

import functools
import importlib
import itertools
import weakref
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.namespace import is_cupy
from sofim_ref.arrays.validation import same_backend
from sofim_ref.kernels.kernels import Kernels, SOFIMStep

_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))

_LONG = 8_192  # for shorter arrays numba takes as long to be called as NumPy

__all__ = ["Kernels", "SOFIMStep", "kernels_for"]


def kernels_for(gradient: Array | None, **overwritten: Array) -> Kernels | None:
    """Return the kernels that can take a step with these arrays in their own memory, or None if there are none.

    Parameters
    ----------
    gradient : array, shape (d,), or None
        What is read only; None where nothing is read that might be one of the others.
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

    Notes
    -----
    What was found of the arrays of the last step is remembered for the next one in the same memory: then the gradient
    alone is looked at.

    Examples
    --------
    >>> import numpy as np
    >>> type(kernels_for(np.ones(4)[::2], w=np.ones(2))).__name__
    'NumpyBlocks'
    """
    found = _REMEMBERED.found(gradient, overwritten)
    if found is None:
        found = _checked(gradient, overwritten)
        if isinstance(gradient, np.ndarray) and gradient.flags.c_contiguous and gradient.flags.aligned:
            _REMEMBERED.kept = tuple(map(weakref.ref, overwritten.values())), found
    return found


def _checked(gradient: Array | None, overwritten: dict[str, Array]) -> Kernels | None:
    like = next(iter(overwritten.values())) if gradient is None else gradient
    on_host = type(like) is np.ndarray
    if not (on_host or is_cupy(like)) or like.dtype not in _DTYPES:
        return None
    for name, x in overwritten.items():
        same_backend(gradient=like, **{name: x})
        if x.shape != like.shape:
            msg = f"{name} must have shape {tuple(like.shape)}, as the gradient has, got {tuple(x.shape)}."
            raise ValueError(msg)
        if x.shape[0] > 1 and 0 in x.strides:
            msg = f"{name} must have memory for each of its entries for a step in place, got stride 0; pass a copy."
            raise ValueError(msg)
        if on_host and not x.flags.writeable:
            msg = f"{name} must be writeable for a step in place, got a read-only array; pass a copy."
            raise ValueError(msg)
    every = overwritten if gradient is None else {**overwritten, "the gradient": gradient}
    for (name, x), (other, y) in itertools.combinations(every.items(), 2):
        if _share_memory(x, y):
            msg = f"{name} and {other} must not share memory for a step in place; pass a copy of {name}."
            raise ValueError(msg)
    if not on_host:
        return _cupy()
    compiled = like.shape[0] >= _LONG and all(x.flags.c_contiguous and x.flags.aligned for x in every.values())
    return (_numba() if compiled else None) or _numpy()


class _Remembered:
    """The arrays of the last step that was found to be possible, and its kernels; held weakly, replaced whole."""

    kept: tuple[tuple[weakref.ref[Any], ...], Kernels | None] | None = None

    def found(self, gradient: Array | None, overwritten: dict[str, Array]) -> Kernels | None:
        """Return those kernels for the same arrays and another gradient like them, in memory of its own."""
        kept = self.kept
        if kept is None or gradient is None or not overwritten or len(kept[0]) != len(overwritten):
            return None
        for known, x in zip(kept[0], overwritten.values(), strict=True):
            before: Any = known()
            if before is not x or not x.flags.writeable or np.may_share_memory(x, gradient):
                return None
        fits = type(gradient) is np.ndarray and gradient.dtype is x.dtype and gradient.shape == x.shape
        return kept[1] if fits and gradient.flags.c_contiguous and gradient.flags.aligned else None


_REMEMBERED = _Remembered()


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
