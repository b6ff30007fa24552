"""The way in for arrays that somebody else's code returns: on the host, in float64, with the precision they had."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.arrays.namespace import dtype_name
from sofim_ref.arrays.validation import an_array

Host = np.ndarray[Any, Any]

EPS = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}
"""From the name of a dtype to the distance from 1 to its next larger number."""


def host_array(argument: str, x: Array) -> tuple[Host, float]:
    """Return an array on the host in float64, with the eps of its own dtype.

    Examples
    --------
    >>> host_array("F", [[1, 2]])
    (array([[1., 2.]]), 2.220446049250313e-16)
    """
    x = real_array(argument, x)
    return to_numpy(x).astype(np.float64), EPS.get(dtype_name(x.dtype), EPS["float64"])


def real_array(argument: str, x: Any) -> Array:
    """Return an array of real numbers where it is; lists of numbers are one too.

    Parameters
    ----------
    argument : str
        What the array is called in a message.
    x : array
        Any shape, any backend, any real dtype, bfloat16 and float16 among them.

    Raises
    ------
    TypeError, ValueError
        If it is no array, a sparse one, one of complex numbers, or a list of rows of different lengths.
    """
    if x is None or hasattr(x, "toarray"):
        what = "None: does a function lack its return" if x is None else f"a sparse array: pass {argument}.toarray()"
        msg = f"{argument} must be an array, got {what}{'?' if x is None else '.'}"
        raise TypeError(msg)
    x = _rows(argument, x) if isinstance(x, list | tuple) else x
    an_array(argument, x)
    name = dtype_name(x.dtype)
    if name.startswith(("complex", "object")):
        msg = f"{argument} must have real numbers, got the dtype {name}."
        raise TypeError(msg)
    return x


def _rows(argument: str, x: Any) -> Host:
    """Return the array that lists of numbers make; refuse rows of different lengths."""
    try:
        return np.asarray(x)
    except ValueError:
        msg = f"{argument} must have rows of one length."
        raise ValueError(msg) from None
