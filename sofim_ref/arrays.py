"""The one door to array backends.

Everything in this library runs on whatever arrays it is given: NumPy, CuPy, torch, JAX, or any other
that `array-api-compat` knows. Nothing else in the package imports a backend by name.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import array_api_compat
import array_api_compat.numpy as numpy_namespace
import numpy as np

Array = Any
"""An array of any backend; its shape stands in the docstring."""
Namespace = Any
"""A module that speaks the Python array API standard."""

BACKENDS = ("numpy", "cupy", "torch", "jax", "array_api_strict")
"""The names that `open_backend` and ``--backend`` know."""


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
    >>> to_numpy(open_backend("numpy").asarray([1.0, 2.0]))
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


@dataclass(frozen=True)
class Backend:
    """An array backend that works on this machine.

    Parameters
    ----------
    name : str
        One of `BACKENDS`.
    xp : module
        Its array-API namespace.
    device : object
        The device on which arrays are made.
    version : str
        The version of the package.

    Examples
    --------
    >>> list(open_backend("numpy").dtypes())
    ['float32', 'float64']
    """

    name: str
    xp: Namespace
    device: Any
    version: str

    def dtypes(self) -> dict[str, Any]:
        """Return the real floating dtypes among float32 and float64 that the device has, by name."""
        info = self.xp.__array_namespace_info__()
        found = info.dtypes(device=self.device, kind="real floating")
        return {name: found[name] for name in ("float32", "float64") if name in found}

    def asarray(self, a: Any, dtype: str | None = None) -> Array:
        """Put host numbers on the backend's device, as `dtype` if one is named."""
        a = np.array(a, dtype=dtype)
        return self.xp.asarray(a, dtype=getattr(self.xp, a.dtype.name), device=self.device, copy=True)


@functools.cache
def open_backend(name: str) -> Backend:
    """Open a backend by name, having seen it compute.

    This is for the edges of a program (a command line, a notebook's first cell), where data is put on a device
    once; inside the library, the arrays themselves say where to compute. Opening ``"jax"`` turns its 64-bit
    numbers on for the whole process, since a reference in single precision is none.

    Parameters
    ----------
    name : str
        One of `BACKENDS`. ``"torch"`` takes torch's default device, ``"cupy"`` the current GPU.

    Returns
    -------
    Backend

    Raises
    ------
    ValueError
        If no backend has that name.
    RuntimeError
        If the backend can't be used here; the message says why.
    """
    if name not in BACKENDS:
        from sofim_ref.validation import nearest

        msg = f"backend must be one of {', '.join(BACKENDS)}, got {name!r}.{nearest(name, BACKENDS)}"
        raise ValueError(msg)
    try:
        backend = _import_backend(name)
        _probe(backend)
    except Exception as error:  # a broken driver raises whatever it likes, and each is a reason
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        msg = f"backend {name!r} can't be used here: {first_line}"
        raise RuntimeError(msg) from error
    return backend


def available_backends(names: Iterable[str] = BACKENDS) -> dict[str, Backend | str]:
    """Return every backend that was asked for: opened, or the sentence that says why it can't be.

    Examples
    --------
    >>> available_backends(["numpy"])["numpy"].name
    'numpy'
    """
    found: dict[str, Backend | str] = {}
    for name in names:
        try:
            found[name] = open_backend(name)
        except RuntimeError as error:
            found[name] = str(error)
    return found


def _import_backend(name: str) -> Backend:
    if name == "numpy":
        return Backend(name, numpy_namespace, "cpu", np.__version__)
    package = importlib.import_module(name)
    version = str(package.__version__)
    if name == "jax":
        package.config.update("jax_enable_x64", True)
        return Backend(name, package.numpy, package.devices()[0], version)
    if name == "array_api_strict":
        return Backend(name, package, package.Device("CPU_DEVICE"), version)
    if name == "cupy" and not package.cuda.is_available():
        msg = "CuPy is installed, but CUDA finds no usable GPU."
        raise RuntimeError(msg)
    xp = importlib.import_module(f"array_api_compat.{name}")
    here = package.get_default_device() if name == "torch" else package.cuda.Device()
    return Backend(name, xp, here, version)


def _probe(backend: Backend) -> None:
    """Compute one product and one sum, and compare them with the host: an import alone proves nothing."""
    host = np.asarray([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    there = backend.asarray(host)
    if not np.array_equal(to_numpy(there @ there + there), host @ host + host):
        msg = "a 2 x 2 matrix product came out wrong."
        raise RuntimeError(msg)
