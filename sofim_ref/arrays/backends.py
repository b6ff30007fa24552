"""Which array backends can be used on this machine, and why the others can't."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays.namespace import Array, Namespace, to_numpy
from sofim_ref.arrays.validation import nearest

BACKENDS = ("numpy", "cupy", "torch", "jax", "array_api_strict")
"""The names that `open_backend` and ``--backend`` know."""


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
    """Open a backend by name, after a trial computation.

    This is for the edges of a program (a command line, a notebook's first cell), where data is put on a device
    once; inside the library, the arrays themselves say where to compute. Opening ``"jax"`` turns its 64-bit
    numbers on for the whole process, since a reference needs double precision.

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

    Parameters
    ----------
    names : iterable of str
        Some of `BACKENDS`, all if not given.

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
        return Backend(name, np, "cpu", np.__version__)
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
    """Compute a product and a sum, and compare them with the host: a successful import proves little."""
    host = np.asarray([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    there = backend.asarray(host)
    if not np.array_equal(to_numpy(there @ there + there), host @ host + host):
        msg = "a 2 x 2 matrix product is wrong."
        raise RuntimeError(msg)
