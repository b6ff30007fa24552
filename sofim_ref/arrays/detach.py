"""Arrays without the graph of their computation: torch's that require a gradient, and JAX's in a derivative."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any, TypeVar

from sofim_ref.arrays.namespace import Array
from sofim_ref.arrays.tracing import is_traced

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


def constant(x: Array) -> Array:
    """Return an array that JAX's derivatives take for a constant; outside of its transformations as it is.

    Parameters
    ----------
    x : array
        Any shape, any backend.

    Returns
    -------
    array
        The same numbers.

    Examples
    --------
    >>> import numpy as np
    >>> constant(np.ones(2))
    array([1., 1.])
    """
    return importlib.import_module("jax.lax").stop_gradient(x) if is_traced(x) else x


def detached_fields(state: T) -> T:
    """Return a dataclass with each of its arrays `detached`."""
    fields: Any = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}  # type: ignore[arg-type]  # a State
    return dataclasses.replace(state, **{name: detached(value) for name, value in fields.items()})  # type: ignore[type-var]  # the same
