"""Array backends: the namespace of an array, its device, its dtype's limits, and the way to the host and back.

Everything in this library runs on whatever arrays it is given: NumPy, CuPy, torch, JAX, or any other
that `array-api-compat` knows. Nothing else in the package imports a backend by name. NumPy is its own namespace;
array-api-compat, which takes longer to import than NumPy does, is loaded for the first array of another backend.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from sofim_ref.arrays.pytrees import register_waiting
from sofim_ref.arrays.tracing import HostDecisionError, is_traced

Array = Any
"""An array of any backend; its shape stands in the docstring."""
Namespace = Any
"""A module that follows the Python array API standard."""

_NUMPY = (np.ndarray, np.generic)


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
    'numpy'
    """
    if type(x) is np.ndarray or isinstance(x, _NUMPY):  # the quick test first, for steps that cost microseconds
        return np
    register_waiting()
    try:
        return _compat().array_namespace(x)
    except TypeError:
        msg = f"x must be an array of NumPy, CuPy, torch, JAX or another array-API backend, got {type(x)!r}."
        raise TypeError(msg) from None


def device(x: Array) -> Any:
    """Return the device on which an array lies, as its backend spells it.

    Parameters
    ----------
    x : array
        Any shape, any backend.

    Returns
    -------
    object
        None for a JAX tracer, which has no device yet; arrays made for the device None are on its own.

    Examples
    --------
    >>> import numpy as np
    >>> device(np.ones(2))
    'cpu'
    """
    return "cpu" if isinstance(x, _NUMPY) else _compat().device(x)


def on_one_device(x: Array, y: Array) -> bool:
    """Return whether two arrays lie on the same device, as far as is known: a JAX tracer's is not."""
    one, other = device(x), device(y)
    return one is None or other is None or bool(one == other)


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype without its backend's: ``"float32"``, ``"bfloat16"``."""
    name = np.dtype(dtype).name if isinstance(dtype, type | np.dtype) else str(dtype)
    return str(name).rpartition(".")[2]


@functools.cache
def is_real_floating(xp: Namespace, dtype: Any) -> bool:  # noqa: ARG001  # the cache must tell namespaces apart
    """Return whether a dtype of a namespace is one that the library computes in, float32 or float64."""
    return dtype_name(dtype) in ("float32", "float64")


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
    """Return the smallest positive normal number of a dtype: below it, precision is lost."""
    return float(xp.finfo(dtype).smallest_normal)


@functools.cache
def normal_range(xp: Namespace, dtype: Any) -> tuple[float, float]:
    """Return the smallest normal number of a dtype and its reciprocal.

    A number between the two has a reciprocal with full precision too: a backend may divide by multiplying with that.
    """
    smallest = smallest_normal(xp, dtype)
    return smallest, 1 / smallest


def has_out(x: Array) -> bool:
    """Return whether the backend's functions write into an array that they are given as ``out``.

    The array API standard has no such argument; it saves a second copy where a result is larger than all else.

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
    return bool(isinstance(x, np.ndarray) or is_cupy(x) or _compat().is_torch_array(x))


def is_cupy(x: Array) -> bool:
    """Return whether an array is one of CuPy's."""
    return not isinstance(x, np.ndarray) and bool(_compat().is_cupy_array(x))


def is_jax(x: Array) -> bool:
    """Return whether an array is one of JAX's, a tracer too."""
    return not isinstance(x, np.ndarray) and bool(_compat().is_jax_array(x))


def is_torch(x: Array) -> bool:
    """Return whether an array is one of torch's."""
    return not isinstance(x, np.ndarray) and bool(_compat().is_torch_array(x))


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """Copy an array to the host as a NumPy array: the only place where the library does so.

    Parameters
    ----------
    x : array
        Any shape, any backend, any device.

    Returns
    -------
    numpy.ndarray
        Same shape and dtype, but float32 for torch's bfloat16, which NumPy lacks; shares memory with `x` only if `x`
        is a NumPy array.

    Raises
    ------
    HostDecisionError
        A TypeError, if `x` is a JAX tracer.

    Examples
    --------
    >>> to_numpy(np.asarray([1.0, 2.0]))
    array([1., 2.])
    """
    if isinstance(x, _NUMPY):
        return np.asarray(x)
    if is_traced(x):
        msg = f"numbers of shape {tuple(x.shape)} are needed on the host"
        raise HostDecisionError(msg)
    if _compat().is_cupy_array(x):
        return np.asarray(x.get())
    if _compat().is_torch_array(x):
        host = x.detach().cpu()
        return np.array((host.float() if dtype_name(x.dtype) == "bfloat16" else host).numpy())
    if _compat().is_jax_array(x):
        return np.array(x)
    namespace(x)  # refuses what is no array
    return np.array(np.from_dlpack(x))


def from_numpy(a: Any, *, like: Array) -> Array:
    """Put host numbers on the backend and device of an array, floating ones in its dtype.

    Parameters
    ----------
    a : numpy.ndarray
        Any shape. Integers and booleans keep their dtype where the device has it; JAX has no 64-bit one by default.
        What `generators.generator` draws inside a JAX transformation is taken too.
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
    xp = namespace(like)
    there = device(like)
    if is_traced(a):
        return xp.astype(a, like.dtype) if xp.isdtype(a.dtype, "real floating") else a
    a = np.asarray(a)
    if np.issubdtype(a.dtype, np.floating):
        dtype = like.dtype
    else:
        info = xp.__array_namespace_info__()
        dtype = info.dtypes(device=there).get(a.dtype.name, info.default_dtypes(device=there)["indexing"])
    rows = xp.asarray(np.array(a, ndmin=1), dtype=dtype, device=there, copy=True)  # torch doesn't cast a 0-D array
    return xp.reshape(rows, a.shape)


def synchronize(x: Array) -> None:
    """Wait until an array has been computed, so that a clock read afterwards includes its computation.

    Parameters
    ----------
    x : array
        Any shape, any backend.

    Notes
    -----
    NumPy computes at once; CuPy, CUDA torch and JAX return before they have.
    """
    if isinstance(x, np.ndarray):
        return
    if _compat().is_jax_array(x):
        x.block_until_ready()
    elif _compat().is_cupy_array(x):
        x.device.synchronize()
    elif _compat().is_torch_array(x) and x.is_cuda:
        importlib.import_module("torch").cuda.synchronize(x.device)


@functools.cache
def _compat() -> Any:
    """Return array-api-compat, imported when an array of another backend than NumPy is first met."""
    return importlib.import_module("array_api_compat")
