"""Raw targets on the host, where a likelihood checks their range once; each refusal with its remedy."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.arrays.validation import an_array


def raw_targets(targets: Array) -> np.ndarray[Any, Any]:
    """Return targets as a host array of real numbers."""
    an_array("targets", targets)
    host = to_numpy(targets)
    if host.dtype.kind not in "biuf":
        msg = (
            f"targets must be real numbers, got dtype {host.dtype}: number text labels first, with "
            f"np.unique(targets, return_inverse=True)[1]."
        )
        raise TypeError(msg)
    return host


def one_number_each(targets: Array) -> np.ndarray[Any, Any]:
    """Return targets as a host array of shape (N,)."""
    host = raw_targets(targets)
    if host.ndim != 1:
        msg = f"targets must have shape (N,), got {host.shape}."
        raise ValueError(msg)
    return host


def in_columns(targets: Array, columns: int) -> np.ndarray[Any, Any]:
    """Return targets of shape (N,) or (N, C) as a host array of floats of shape (N, C), C the number of columns."""
    host = raw_targets(targets).astype(np.float64)
    if host.ndim not in (1, 2):
        msg = f"targets must have shape (N,) or (N, C), got {host.shape}."
        raise ValueError(msg)
    host = host.reshape(host.shape[0], -1)
    if host.shape[1] != columns:
        msg = f"targets must have {columns} columns, got {host.shape[1]}."
        raise ValueError(msg)
    return host
