"""JAX's tracers: what stands for numbers inside ``jax.jit``, ``vmap`` and ``jacfwd``, where none are known yet."""

from __future__ import annotations

import sys
from typing import Any


class HostDecisionError(TypeError):
    """A number is needed on the host inside a JAX transformation, where it isn't known yet."""


def is_traced(x: Any) -> bool:
    """Return whether a value is a JAX tracer.

    Parameters
    ----------
    x : object
        An array, a number, or anything else. JAX is not imported to find out.

    Examples
    --------
    >>> is_traced(0.5)
    False
    """
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(x, jax.core.Tracer)


def python_number(x: Any) -> Any:
    """Return a NumPy scalar, or an array of shape () whose number is known, as a Python number; all else as it is.

    Parameters
    ----------
    x : object

    Examples
    --------
    >>> import numpy as np
    >>> python_number(np.float64(0.5)), python_number(np.asarray(2)), python_number("moment")
    (0.5, 2, 'moment')
    """
    if type(x) is float or getattr(x, "shape", None) != () or is_traced(x) or not hasattr(x, "item"):
        return x
    return x.item()


def reason_of(error: TypeError) -> str | None:
    """Return what was to be decided on the host, in the first line of JAX's or our own error; None if it is another."""
    jax = sys.modules.get("jax")
    if jax is None:
        return None
    errors = jax.errors
    known = (errors.ConcretizationTypeError, errors.TracerArrayConversionError, errors.TracerIntegerConversionError)
    return str(error).splitlines()[0] if isinstance(error, (HostDecisionError, *known)) else None
