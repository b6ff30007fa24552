"""Arrays without the graph of their computation, which torch keeps for those that require a gradient."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from sofim_ref.arrays.namespace import Array

T = TypeVar("T")


def detached(x: Array) -> Array:
    """Return an array without the graph of its computation: torch's that require a gradient detached, others as is.

    Parameters
    ----------
    x : array
        Any shape, any backend.

    Returns
    -------
    array
        It shares the memory of `x`.

    Examples
    --------
    >>> import numpy as np
    >>> detached(np.ones(2))
    array([1., 1.])
    """
    return x.detach() if getattr(x, "requires_grad", False) else x


def detached_fields(state: T) -> T:
    """Return a dataclass with each of its arrays `detached`."""
    fields: Any = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}  # type: ignore[arg-type]  # a State
    return dataclasses.replace(state, **{name: detached(value) for name, value in fields.items()})  # type: ignore[type-var]  # the same
