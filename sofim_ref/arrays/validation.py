"""Checks of arguments, made at construction: each message names the argument, the rule and the value given.

Numbers that a JAX transformation doesn't know yet pass those checks that would have to look at them.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays.namespace import (
    Array,
    Namespace,
    device,
    dtype_name,
    is_real_floating,
    namespace,
    normal_range,
    on_one_device,
)
from sofim_ref.arrays.policy import Policy, Regularization
from sofim_ref.arrays.tracing import is_traced

ADAPTIVE = ("rho", "damping")
"""The arguments for which a method takes a policy in place of a number."""

LONGEST = 200
"""The number of characters beyond which a value is not shown in a message."""


def shown(value: object) -> str:
    """Return a value as a message shows it: its text, or its type where that is longer than a line."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return f"a value of {type(value)!r}"
    return text if len(text) <= LONGEST and "\n" not in text else f"a value of {type(value)!r}"


MANY = 24
"""How many names a message lists at most, if it can say which resembles the one given."""


def nearest(name: object, known: Iterable[str]) -> str:
    """Return " Did you mean …?" with the known names that resemble a wrong one in any case, or an empty string."""
    from difflib import get_close_matches  # only a mistake needs it

    in_lower_case = {each.lower(): each for each in known}
    close = get_close_matches(str(name).lower(), in_lower_case, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(in_lower_case[each]) for each in close)}?" if close else ""


def one_of(argument: str, value: object, known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones; of many, those that resemble it are listed, if there are any."""
    known = tuple(known)
    if not isinstance(value, str) or value not in known:  # an array would answer with an array
        close = nearest(value, known)
        listed = ", ".join(map(repr, known)) if len(known) <= MANY or not close else f"{len(known)} names"
        msg = f"{argument} must be one of {listed}, got {shown(value)}.{close}"
        raise ValueError(msg)


def an_instance(argument: str, value: Any, kind: type, remedy: str) -> None:
    """Refuse what is not an instance of a class; the remedy says what makes one."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        msg = f"{argument} must be {article} {kind.__name__}, got {shown(value)}: {remedy}."
        raise TypeError(msg)


def a_path(argument: str, value: Any) -> Path:
    """Return the path that a text or a path names; refuse anything else."""
    if not isinstance(value, str | os.PathLike):
        msg = f"{argument} must be a str or a pathlib.Path, got {shown(value)}."
        raise TypeError(msg)
    return Path(value)


def positive(argument: str, value: Any) -> None:
    """Refuse anything but a finite number > 0; for ρ or a damping, a policy passes too."""
    if type(value) is float and 0.0 < value < math.inf:
        return
    if argument in ADAPTIVE and isinstance(value, Policy):
        return
    if _is_known(argument, "a finite number > 0", value) and not 0.0 < value < math.inf:
        msg = f"{argument} must be a finite number > 0, got {shown(value)}."
        raise ValueError(msg)


def positive_in_dtype(argument: str, value: Any, x: Array) -> float:
    """Return a number > 0 that is normal in the dtype of `x`, as is its reciprocal; refuse any other.

    It is returned as Python's own float: NumPy's float64 would widen float32 arrays. A JAX tracer is returned as it is.
    """
    smallest, largest = normal_range(namespace(x), x.dtype)
    if type(value) is float and smallest <= value <= largest:
        return value
    positive(argument, value)
    if is_traced(value):
        return value  # type: ignore[no-any-return]  # a float to be
    if value < smallest:
        msg = f"{argument} must be at least {smallest:.4g}, the smallest normal {x.dtype}, got {shown(value)}."
        raise ValueError(msg)
    if value > largest:
        msg = f"{argument} must be at most {largest:.4g}, one over the smallest normal {x.dtype}, got {shown(value)}."
        raise ValueError(msg)
    return float(value)


def normal_in_dtype(x: Array, **numbers: Regularization) -> None:
    """Refuse numbers > 0, by name, not normal in the dtype of `x`, or whose reciprocal isn't; 0 and policies pass."""
    for argument, value in numbers.items():
        if isinstance(value, Policy):
            continue
        if is_traced(value) or value:
            positive_in_dtype(argument, value, x)


def non_negative(argument: str, value: Any) -> None:
    """Refuse anything but a finite number >= 0; for ρ or a damping, a policy passes too."""
    if argument in ADAPTIVE and isinstance(value, Policy):
        return
    if _is_known(argument, "a finite number >= 0", value) and not 0.0 <= value < math.inf:
        msg = f"{argument} must be a finite number >= 0, got {shown(value)}."
        raise ValueError(msg)


def finite_number(argument: str, value: Any) -> None:
    """Refuse anything but a finite number."""
    if _is_known(argument, "a finite number", value) and not math.isfinite(value):
        msg = f"{argument} must be a finite number, got {shown(value)}."
        raise ValueError(msg)


def fraction(argument: str, value: Any) -> None:
    """Refuse anything but a number in [0, 1)."""
    if _is_known(argument, "a number in [0, 1)", value) and not 0.0 <= value < 1.0:
        msg = f"{argument} must be a number in [0, 1), got {shown(value)}."
        raise ValueError(msg)


def count(argument: str, value: Any, *, minimum: int = 1) -> None:
    """Refuse anything but an integer >= `minimum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        msg = f"{argument} must be an integer >= {minimum}, got {shown(value)}."
        raise TypeError(msg)
    if value < minimum:
        msg = f"{argument} must be an integer >= {minimum}, got {shown(value)}."
        raise ValueError(msg)


def flag(argument: str, value: Any) -> None:
    """Refuse anything but True or False, an array that holds one too."""
    if not isinstance(value, bool | np.bool_):
        msg = f"{argument} must be True or False, got {shown(value)}."
        raise TypeError(msg)


def rate(argument: str, value: Any) -> None:
    """Refuse a learning rate that is neither a finite number > 0 nor a schedule, a callable step -> number."""
    if not callable(value):
        positive(argument, value)


_MAKES = {"torch": "torch.as_tensor", "jax": "jax.numpy.asarray", "jaxlib": "jax.numpy.asarray", "cupy": "cupy.asarray"}
"""What makes an array of numbers, by the package of the arrays."""


def an_array(argument: str, x: Any, *, like: Array | None = None) -> Namespace:
    """Return the namespace of an array; refuse what is no array of a known backend, and say what makes one of it.

    Where there is an array that it goes with, what is said makes one of the same backend.
    """
    try:
        return namespace(x)
    except TypeError:
        remedy = f"{argument}.to_numpy()" if hasattr(x, "to_numpy") else f"np.asarray({argument})"
        if like is not None and (makes := _MAKES.get(type(like).__module__.partition(".")[0])):
            remedy = f"{makes}({remedy if hasattr(x, 'to_numpy') else argument})"
        msg = (
            f"{argument} must be an array of NumPy, CuPy, torch, JAX or another array-API backend, got {type(x)!r}: "
            f"pass {remedy}."
        )
        raise TypeError(msg) from None


def floating(argument: str, x: Array, *, ndim: int) -> None:
    """Refuse anything but a real floating-point array of that many dimensions."""
    xp = an_array(argument, x)
    if not is_real_floating(xp, x.dtype):
        if "float" in dtype_name(x.dtype):
            other = "float64" if x.dtype.itemsize > 8 else "float32"  # a long double's digits aren't thrown away
            msg = f"{argument} must be float32 or float64, got {x.dtype}: convert it to {other}."
        else:
            msg = f"{argument} must have a real floating-point dtype, got {x.dtype}."
        raise TypeError(msg)
    if x.ndim != ndim:
        msg = f"{argument} must be {ndim}-D, got shape {tuple(x.shape)}."
        raise ValueError(msg)


def finite(argument: str, x: Array) -> None:
    """Refuse an array with NaN or infinity in it."""
    xp = namespace(x)
    if not is_traced(x) and not bool(xp.all(xp.isfinite(x))):
        msg = f"{argument} must be finite, got NaN or infinity in it."
        raise ValueError(msg)


def same_backend(**arrays: Array) -> None:
    """Refuse arrays of different backends, devices or floating dtypes in one call."""
    (first, x), *others = arrays.items()
    for name, y in others:
        if type(y) is type(x) and y.dtype == x.dtype and on_one_device(x, y):
            continue
        try:
            mixed = type(y) is not type(x) and namespace(y) is not namespace(x)
        except TypeError:
            msg = f"{name} must be an array, as {first} is, got {type(y)!r}: pass np.asarray({name})."
            raise TypeError(msg) from None
        if mixed:
            msg = (
                f"{first} and {name} must be arrays of one backend, got {type(x).__module__} and {type(y).__module__}."
            )
            raise TypeError(msg)
        if not on_one_device(x, y):
            msg = f"{first} and {name} must be on one device, got {device(x)} and {device(y)}."
            raise ValueError(msg)
        if y.dtype != x.dtype:
            msg = f"{first} and {name} must have one dtype, got {x.dtype} and {y.dtype}."
            raise TypeError(msg)


def _is_known(argument: str, rule: str, value: Any) -> bool:
    """Refuse what is no real number; return False for one that a JAX transformation doesn't know yet."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        if is_traced(value) and value.ndim == 0:
            return False
        msg = f"{argument} must be {rule}, got {shown(value)}."
        raise TypeError(msg)
    try:
        float(value)
    except OverflowError:
        msg = f"{argument} must be {rule}, got an integer beyond the largest float."
        raise ValueError(msg) from None
    return True
