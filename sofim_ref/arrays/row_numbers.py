"""The check of the row numbers by which a batch of examples is said."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays.namespace import Array, device, is_integral, namespace, on_one_device


def row_numbers(argument: str, x: Array, *, like: Array) -> None:
    """Refuse anything but a 1-D array of at least one integer on the backend and device of `like`."""
    try:
        xp = namespace(x)
    except TypeError:
        msg = f"{argument} must be an integer array, got {type(x)!r}: pass np.asarray({argument})."
        raise TypeError(msg) from None
    if xp is not namespace(like):
        msg = (
            f"{argument} and data must be arrays of one backend, got {type(x).__module__} and {type(like).__module__}."
        )
        raise TypeError(msg)
    if not is_integral(xp, x.dtype):
        msg = f"{argument} must have an integer dtype, got {x.dtype}."
        raise TypeError(msg)
    if type(x) is not np.ndarray and not on_one_device(x, like):
        msg = f"{argument} and data must be on one device, got {device(x)} and {device(like)}."
        raise ValueError(msg)
    if x.ndim != 1 or x.shape[0] == 0:
        msg = f"{argument} must be 1-D with at least one row number, got shape {tuple(x.shape)}."
        raise ValueError(msg)
