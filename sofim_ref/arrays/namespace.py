"""The one door to array backends.

Everything in this library runs on whatever arrays it is given: NumPy, CuPy, torch, JAX, or any other
that `array-api-compat` knows. Nothing else in the package imports a backend by name.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import array_api_compat
import array_api_compat.numpy as numpy_namespace
import numpy as np

Array = Any
"""An array of any backend; its shape stands in the docstring."""
Namespace = Any
"""A module that speaks the Python array API standard."""


def namespace(x: Array) -> Namespace:
    """Return the array-API namespace of an array.

    Parameters
    ----------
    x : array
        Any shape, any backend.

    Returns
    -------
    module
        The namespace, with the functions of the array API standard.

    Raises
    ------
    TypeError
        If `x` is not an array of a backend that array-api-compat knows.

    Examples
    --------
    >>> import numpy as np
    >>> namespace(np.ones(2)).__name__
    'array_api_compat.numpy'
    """
    if type(x) is np.ndarray:  # the short way, for steps that cost microseconds
        return numpy_namespace
    return array_api_compat.array_namespace(x)


def device(x: Array) -> Any:
    """Return the device on which an array lies, as its backend spells it.

    Parameters
    ----------
    x : array
        Any shape, any backend.

    Returns
    -------
    object

    Examples
    --------
    >>> import numpy as np
    >>> device(np.ones(2))
    'cpu'
    """
    return array_api_compat.device(x)


@functools.cache
def is_real_floating(xp: Namespace, dtype: Any) -> bool:
    """Return whether a dtype is a real floating-point one, no wider than a Python float."""
    return bool(xp.isdtype(dtype, "real floating")) and float(xp.finfo(dtype).smallest_normal) > 0


@functools.cache
def is_integral(xp: Namespace, dtype: Any) -> bool:
    """Return whether a dtype is one of integers."""
    return bool(xp.isdtype(dtype, "integral"))


@functools.cache
def eps(xp: Namespace, dtype: Any) -> float:
    """Return the distance from 1 to the next larger number of a floating dtype."""
    return float(xp.finfo(dtype).eps)


@functools.cache
def smallest_normal(xp: Namespace, dtype: Any) -> float:
    """Return the smallest positive number of a dtype that still has all its digits."""
    return float(xp.finfo(dtype).smallest_normal)


@functools.cache
def normal_range(xp: Namespace, dtype: Any) -> tuple[float, float]:
    """Return the smallest positive number of a dtype with all its digits, and one over it.

    What lies between has a reciprocal with all its digits too: a backend may divide by multiplying with that.
    """
    least = smallest_normal(xp, dtype)
    return least, 1 / least


def has_out(x: Array) -> bool:
    """Return whether the backend's functions write into an array that they are given as ``out``.

    The standard knows no such thing; it saves a second copy where a result is larger than all else.

    Parameters
    ----------
    x : array
        Any shape, any backend.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> has_out(np.ones(2))
    True
    """
    return bool(isinstance(x, np.ndarray) or array_api_compat.is_cupy_array(x) or array_api_compat.is_torch_array(x))


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """Copy an array to the host as a NumPy array: the only place where the library does so.

    Parameters
    ----------
    x : array
        Any shape, any backend, any device.

    Returns
    -------
    numpy.ndarray
        Same shape and dtype; shares memory with `x` only if `x` is a NumPy array.

    Examples
    --------
    >>> to_numpy(np.asarray([1.0, 2.0]))
    array([1., 2.])
    """
    if isinstance(x, np.ndarray | np.generic):
        return np.asarray(x)
    if array_api_compat.is_cupy_array(x):
        return np.asarray(x.get())
    if array_api_compat.is_torch_array(x):
        return np.array(x.detach().cpu().numpy())
    if array_api_compat.is_jax_array(x):
        return np.array(x)
    return np.array(np.from_dlpack(x))


def from_numpy(a: Any, *, like: Array) -> Array:
    """Put host numbers beside an array: its backend, its device, and, for floating numbers, its dtype.

    Parameters
    ----------
    a : numpy.ndarray
        Any shape. Integers and booleans keep their dtype where the device has it; JAX as it comes has no 64-bit one.
    like : array
        The array whose backend, device and floating dtype are taken.

    Returns
    -------
    array
        A copy; it never shares memory with `a`.

    Examples
    --------
    >>> import numpy as np
    >>> from_numpy(np.ones(2), like=np.ones(1, dtype=np.float32)).dtype
    dtype('float32')
    """
    a = np.asarray(a)
    xp = namespace(like)
    there = device(like)
    if np.issubdtype(a.dtype, np.floating):
        dtype = like.dtype
    else:
        info = xp.__array_namespace_info__()
        dtype = info.dtypes(device=there).get(a.dtype.name, info.default_dtypes(device=there)["indexing"])
    rows = xp.asarray(np.array(a, ndmin=1), dtype=dtype, device=there, copy=True)  # torch doesn't cast a 0-D array
    return xp.reshape(rows, a.shape)


def synchronize(x: Array) -> None:
    """Wait until an array has been computed, so that a clock read afterwards tells the truth.

    Parameters
    ----------
    x : array
        Any shape, any backend.

    Notes
    -----
    NumPy computes at once; CuPy, CUDA torch and JAX return before they have.
    """
    if array_api_compat.is_jax_array(x):
        x.block_until_ready()
    elif array_api_compat.is_cupy_array(x):
        x.device.synchronize()
    elif array_api_compat.is_torch_array(x) and x.is_cuda:
        importlib.import_module("torch").cuda.synchronize(x.device)
