"""Linear systems by LU and by Cholesky: solved once, or factored once and solved often; each says if it is singular.

The array API standard has `solve` and `cholesky`, but neither LU nor triangular solves; each backend spells its own.
"""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays.namespace import Array, namespace

Factors = tuple[Array, Array]
"""L and U in one array, shape (d, d), and the row exchanges, shape (d,), as the backend's `lu_solve` takes them."""

_LINALG = {
    "numpy": "scipy.linalg.lapack",
    "jax.numpy": "jax.scipy.linalg",
    "array_api_compat.cupy": "cupyx.scipy.linalg",
    "array_api_compat.torch": "torch.linalg",
}


class SingularMatrixError(ValueError):
    """A matrix can't be solved with: its factorization met a zero pivot, or it isn't positive definite as it must."""


def solve(A: Array, B: Array) -> Array:
    """Return A⁻¹B by LU with partial pivoting.

    Parameters
    ----------
    A : array, shape (d, d)
    B : array, shape (d, k)

    Returns
    -------
    array, shape (d, k)

    Raises
    ------
    SingularMatrixError
        If a pivot is zero. JAX and CuPy return infinities or NaN instead: to look would pull a number off the device.

    Examples
    --------
    >>> solve(np.asarray([[2.0, 1.0], [1.0, 2.0]]), np.asarray([[3.0], [3.0]])).T
    array([[1., 1.]])
    """
    with _singular_is_named(A):
        return namespace(A).linalg.solve(A, B)


def lu_factor(A: Array) -> Factors | None:
    """Return the LU factors of A with partial pivoting for `lu_solve`; None where the backend has no such function.

    Parameters
    ----------
    A : array, shape (d, d)

    Returns
    -------
    pair of arrays, or None

    Raises
    ------
    SingularMatrixError
        If a pivot is zero, except on JAX, which factors such a matrix too; `lu_solve` then returns infinities or NaN.

    Examples
    --------
    >>> factors = lu_factor(np.asarray([[2.0, 1.0], [1.0, 2.0]]))
    >>> lu_solve(factors, np.asarray([[3.0], [3.0]])).T
    array([[1., 1.]])
    """
    linalg = _linalg(A)
    if linalg is None:
        return None
    with _singular_is_named(A):
        if isinstance(A, np.ndarray):
            lu, pivots, info = _lapack("getrf", A, wakes=A.shape[0] >= 200, operations=2 * A.shape[0] ** 3 // 3)
        elif hasattr(linalg, "lu_factor_ex"):  # torch, which reads `info` in its own `solve` too
            lu, pivots, info = linalg.lu_factor_ex(A)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # CuPy's way to say that info > 0
                return tuple(linalg.lu_factor(A))
        if info > 0:
            raise np.linalg.LinAlgError
    return lu, pivots


def lu_solve(factors: Factors, B: Array) -> Array:
    """Return A⁻¹B, shape (d, k), from A's `lu_factor`: 2d²k operations."""
    if isinstance(B, np.ndarray):
        return _lapack("getrs", *factors, B, wakes=min(B.shape) >= 8, operations=2 * B.shape[0] * B.size)[0]
    linalg = _linalg(B)
    return linalg.lu_solve(*factors, B) if hasattr(linalg, "lu_factor_ex") else linalg.lu_solve(factors, B)


def cholesky_factor(A: Array) -> Array:
    """Return the lower-triangular L with LLᵀ = A, A symmetric and positive definite, all of shape (d, d).

    Raises
    ------
    SingularMatrixError
        If A is not positive definite in its arithmetic. JAX and CuPy return NaN instead.
    """
    with _singular_is_named(A):
        return namespace(A).linalg.cholesky(A)


def cholesky_solve(L: Array, B: Array) -> Array:
    """Return (LLᵀ)⁻¹B, shape (d, k), by two triangular solves, 2d²k operations; by LU where a backend has none."""
    if isinstance(B, np.ndarray):
        return _lapack("potrs", L, B, wakes=min(B.shape) >= 8, operations=2 * B.shape[0] * B.size, lower=True)[0]
    linalg = _linalg(B)
    if linalg is None:
        return solve(L.T, solve(L, B))
    if hasattr(linalg, "lu_factor_ex"):
        return linalg.solve_triangular(L.T, linalg.solve_triangular(L, B, upper=False), upper=True)
    return linalg.solve_triangular(L, linalg.solve_triangular(L, B, lower=True), lower=True, trans=1)


def _linalg(x: Array) -> Any:
    """Return the backend's module of factorizations, or None."""
    name = _LINALG.get(namespace(x).__name__)
    return None if name is None else importlib.import_module(name)


def _lapack(name: str, *arguments: Array, wakes: bool, operations: int, **settings: Any) -> Any:
    """Return what LAPACK's routine for NumPy's arrays returns; SciPy's own callers cost more than a small solve.

    It is told from which sizes on OpenBLAS would wake its threads: from 8 columns of 8 numbers on, say.
    """
    (routine,) = _linalg(arguments[-1]).get_lapack_funcs((name,), (arguments[-1],))
    with _ONE_THREAD if wakes and operations < LONG else nullcontext():
        return routine(*arguments, **settings)


LONG = 10**9
"""The number of operations, some 20 ms, from which on threads pay even where NumPy's wait for them."""


class _OneThread:
    """One thread for SciPy's LAPACK, as long as somebody is inside, if NumPy has a BLAS of its own.

    A thread that has done its part waits for the next one by spinning, for some 20 ms, and NumPy's products wait for
    its core meanwhile: with two threads in each, K-FAC's steps took twice the time.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0

    @cached_property
    def _own(self) -> Any:
        """What sets the number of threads of the BLAS that SciPy brings."""
        from threadpoolctl import ThreadpoolController

        found = ThreadpoolController()
        files = [file for file in (lib["filepath"] for lib in found.info()) if _folder_is_scipy_s(Path(file))]
        return found.select(filepath=files)

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = self._own.limit(limits=1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


_ONE_THREAD = _OneThread()


def _folder_is_scipy_s(file: Path) -> bool:
    """Return whether a library came with SciPy's wheel: it lies in scipy.libs or in scipy/.dylibs."""
    return any(part.startswith("scipy") for part in file.parts[-3:-1])


@contextmanager
def _singular_is_named(A: Array) -> Iterator[None]:
    """Turn the backend's own exception for info > 0 into ours; whatever else it raises passes through."""
    own = getattr(namespace(A).linalg, "LinAlgError", np.linalg.LinAlgError)
    try:
        yield
    except (own, np.linalg.LinAlgError, RuntimeWarning) as error:
        d = A.shape[0]
        msg = f"C, shape ({d}, {d}), is singular and can't be solved; damping > 0 makes it regular."
        raise SingularMatrixError(msg) from error
