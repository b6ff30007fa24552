"""Sums that keep their digits: lengths, dot products, averages, and 1 − βᵗ."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sofim_ref.arrays.control_flow import branch, choose
from sofim_ref.arrays.namespace import Array, device, eps, namespace, smallest_normal
from sofim_ref.arrays.tracing import is_traced

_PIECE = 8_192  # from 10,000 numbers on BLAS wakes its threads
_SHORT = 128
_FLOAT64_EPS = float(np.finfo(np.float64).eps)
_SAFE = 2.0**40 * float(np.finfo(np.float64).smallest_normal) / _FLOAT64_EPS  # for as many squares


def largest_magnitude(x: Array) -> Array:
    """Return the largest absolute value along the first axis, never zero: at least the smallest normal number.

    What is divided by it has entries in [-1, 1], so that its squares neither overflow nor, all of them, underflow.

    Parameters
    ----------
    x : array, shape (d,) or (d, k)

    Returns
    -------
    array, shape () or (k,)

    Examples
    --------
    >>> import numpy as np
    >>> float(largest_magnitude(np.asarray([3.0, -4.0]))), bool(largest_magnitude(np.zeros(2)) > 0)
    (4.0, True)
    """
    xp = namespace(x)
    floor = smallest_normal(xp, x.dtype)
    if xp is np:  # its ufunc is what np.max calls, and on small arrays the call costs more
        return np.maximum.reduce(np.abs(x), axis=0, initial=floor)
    return xp.maximum(xp.max(xp.abs(x), axis=0), floor)


def dot(x: Array, y: Array) -> Array:
    """Return xᵀy, for long vectors in pairs of pairs, so that its rounding grows with log d and not with d.

    Parameters
    ----------
    x : array, shape (d,)
    y : array, shape (d,) or (d, k)

    Returns
    -------
    array, shape () or (k,)

    Examples
    --------
    >>> import numpy as np
    >>> float(dot(np.ones(1_000_000, dtype=np.float32), np.full(1_000_000, 0.5, dtype=np.float32)))
    500000.0
    """
    if x.shape[0] <= _SHORT:
        return x.dot(y) if type(x) is np.ndarray else x @ y  # the same; on small arrays @ costs twice as much to call
    xp = namespace(x)
    if y.ndim == 1:
        return xp.sum(x * y)  # NumPy, torch and JAX add a long axis pairwise; a product of BLAS, one after another
    return xp.stack([dot(x, y[:, i]) for i in range(y.shape[1])])


def averaged(before: Array, new: Array, kept: float | Array) -> Array:
    """Return kept·before + (1 − kept)·new: exactly `new` where kept is 0, and exactly `before` where both are equal.

    Parameters
    ----------
    before, new : array, shape (d,)
    kept : float or JAX array, shape ()
        The weight of what was before, in [0, 1].

    Returns
    -------
    array, shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> averaged(np.full(2, 1e30), np.full(2, 0.1), 0.0), averaged(np.full(2, 0.1), np.full(2, 0.1), 0.7)
    (array([0.1, 0.1]), array([0.1, 0.1]))
    """
    change = new - before
    if type(kept) is float and kept >= 0.5:  # in the memory of the change, where a backend writes into memory
        change *= 1 - kept
        change += before
        return change
    if type(kept) is float:
        return new - kept * change
    return namespace(new).where(kept < 0.5, new - kept * change, before + (1 - kept) * change)


def one_minus_power(beta: float, t: int | Array) -> Any:
    """Return 1 − βᵗ, what an exponential moving average from zero has collected of its weights after t steps.

    Parameters
    ----------
    beta : float
        The number β in [0, 1).
    t : int or JAX array, shape ()
        The number of steps, from 0 on. As an array it is taken through −expm1(t log β), which in float32 has the
        digits that 1 − βᵗ loses for β near 1.

    Returns
    -------
    float or JAX array, shape ()

    Examples
    --------
    >>> one_minus_power(0.9, 2).__round__(12)
    0.19
    """
    if type(t) is int:
        return 1 - beta**t
    xp = namespace(t)
    if is_traced(beta):
        return -xp.expm1(t * xp.log(beta))
    return -xp.expm1(t * (math.log(beta) if beta > 0 else -1e30))


def kept_share(decay: float, t: int | Array) -> Any:
    """Return min(1 − 1/t, decay), the weight of an average before its t-th number: plain at first, then decaying.

    Parameters
    ----------
    decay : float
        In [0, 1).
    t : int or JAX array, shape ()
        The number of numbers, from 1 on.

    Returns
    -------
    float or JAX array, shape ()

    Examples
    --------
    >>> [kept_share(0.6, t) for t in (1, 2, 3)]
    [0.0, 0.5, 0.6]
    """
    kept = 1 - 1 / t
    return choose(kept < decay, kept, decay)


def weight_before(beta: float, t: int | Array) -> Any:
    """Return β(1 − βᵗ⁻¹)/(1 − βᵗ), the weight of all numbers before the t-th in their exponential mean.

    The weights of such a mean sum to 1. It is exactly 0 for the first number: what `averaged` needs.

    Parameters
    ----------
    beta : float
        The number β in [0, 1).
    t : int or JAX array, shape ()
        The number of numbers, from 1 on.

    Returns
    -------
    float or JAX array, shape ()

    Examples
    --------
    >>> weight_before(0.9, 1), weight_before(0.5, 2).__round__(12)
    (0.0, 0.333333333333)
    """
    if type(t) is int:
        return beta * (1 - beta ** (t - 1)) / (1 - beta**t)
    return beta * one_minus_power(beta, t - 1) / one_minus_power(beta, t)


def widened(x: Array) -> Array:
    """Return an array in float64 where its device has that, else as it is: for the few sums that decide about digits.

    Parameters
    ----------
    x : array
        Any shape, any floating dtype.

    Returns
    -------
    array
        Same shape; `x` itself if it is in float64 already.

    Examples
    --------
    >>> import numpy as np
    >>> widened(np.ones(2, dtype=np.float32)).dtype
    dtype('float64')
    """
    xp = namespace(x)
    if eps(xp, x.dtype) <= _FLOAT64_EPS:
        return x
    has = xp.__array_namespace_info__().dtypes(device=device(x), kind="real floating")
    return xp.astype(x, has["float64"]) if "float64" in has else x


def narrowed(x: Array, *, like: Array) -> Array:
    """Return an array in the dtype of another: the way back from `widened`."""
    return x if x.dtype == like.dtype else namespace(x).astype(x, like.dtype)


def norm(x: Array) -> Array:
    """Return the Euclidean norm, computed so that no square overflows or underflows.

    Parameters
    ----------
    x : array, shape (d,)

    Returns
    -------
    array, shape ()

    Examples
    --------
    >>> import numpy as np
    >>> float(norm(np.asarray([3.0, 4.0]))), bool(np.isfinite(norm(np.full(4, 1e300))))
    (5.0, True)
    """
    if type(x) is np.ndarray and x.dtype.char in "df" and x.ndim == 1:
        squares = _squares(x)
        if _SAFE <= squares < math.inf:  # none overflowed, and those that underflowed don't count
            return x.dtype.type(math.sqrt(squares))
    if is_traced(x):
        return _compiled_norm(x)
    wide = widened(x)
    if wide is not x:  # no square of a float32 overflows or underflows in float64, nor does its rounding add up
        return narrowed(namespace(x).sqrt(wide @ wide), like=x)
    return _scaled_norm(x)


def _squares(x: Array) -> float:
    """Return the sum of a host vector's squares in float64, in pieces for which BLAS wakes no threads."""
    pieces = (x,) if x.shape[0] <= _PIECE else (x[start : start + _PIECE] for start in range(0, x.shape[0], _PIECE))
    squares = 0.0
    for piece in pieces:
        wide = piece if piece.dtype.char == "d" else piece.astype(np.float64)
        squares += float(np.vdot(wide, wide))  # it warns of no overflow
    return squares


def _compiled_norm(x: Array) -> Array:
    """Return the norm inside a JAX transformation: one sum of squares, and a second, scaled, where that isn't safe.

    It is where a square overflows, or where those that underflow count. The one sum in the vector's own dtype takes
    half the time of one in float64, and XLA adds it in blocks, so that its digits are right.
    """
    xp = namespace(x)
    squares = dot(x, x)
    needed = x.shape[0] * smallest_normal(xp, x.dtype) / eps(xp, x.dtype)
    safe = (squares >= needed) & (squares < math.inf)
    return branch(safe, lambda: xp.sqrt(squares), lambda: _scaled_norm(x))


def _scaled_norm(x: Array) -> Array:
    scale = largest_magnitude(x)
    scaled = x / scale
    return scale * namespace(x).sqrt(dot(scaled, scaled))
