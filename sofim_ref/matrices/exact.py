"""Numbers in as many digits as asked for: what the definition of a matrix is written in."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.arrays import Array, to_numpy

Exact = np.ndarray[Any, Any]
"""A NumPy array of mpmath numbers; its shape stands in the docstring."""


def exact(x: Array | float) -> Any:
    """Return floating-point numbers as mpmath numbers, none of them rounded.

    Parameters
    ----------
    x : float or array
        Any shape, any backend.

    Returns
    -------
    mpmath.mpf, or numpy.ndarray of them
        Same shape. What is computed from them has the working precision of ``mpmath.mp``.

    Examples
    --------
    >>> import mpmath
    >>> with mpmath.workdps(30):
    ...     print(exact(0.1), exact(np.asarray([0.5]))[0] / 3)
    0.100000000000000005551115123126 0.166666666666666666666666666667
    """
    from mpmath import mp

    if isinstance(x, float):
        return mp.convert(x)
    return np.frompyfunc(mp.convert, 1, 1)(to_numpy(x).astype(np.float64))


def identity(d: int) -> Exact:
    """Return I, shape (d, d), of integers that take the precision of what they are multiplied with."""
    return np.eye(d, dtype=object)
