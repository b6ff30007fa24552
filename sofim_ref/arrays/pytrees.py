"""Dataclasses of arrays as JAX pytrees, so that they go through ``jax.jit``; JAX is not imported for it."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import sys
from typing import Any

_waiting: list[type[Any]] = []


def register_pytree(cls: type[Any]) -> None:
    """Make a dataclass a JAX pytree, as soon as JAX is loaded: each field a child, in the fields' order.

    Fields with ``metadata={"static": True}`` are no children but part of the structure: they stay Python values, which
    must be hashable, and a program is compiled for each of them.

    Parameters
    ----------
    cls : type
        It may become a dataclass only later: `dataclasses.dataclass` runs after ``__init_subclass__``.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Pair:
    ...     one: float
    ...     other: float
    >>> register_pytree(Pair)
    """
    _waiting.append(cls)
    register_waiting()


def register_waiting() -> None:
    """Register with JAX, if it is loaded, the classes that have been waiting for it."""
    if not _waiting or not hasattr(sys.modules.get("jax"), "tree_util"):
        return
    tree_util = importlib.import_module("jax.tree_util")
    while _waiting:
        cls = _waiting.pop()

        def flatten_with_keys(x: Any, cls: Any = cls) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
            children, static = _names(cls)
            keyed = [(tree_util.GetAttrKey(name), getattr(x, name)) for name in children]
            return keyed, tuple(getattr(x, name) for name in static)

        def unflatten(constant: tuple[Any, ...], values: Any, cls: Any = cls) -> Any:
            children, static = _names(cls)
            x = object.__new__(cls)  # what JAX puts in place of arrays would not pass a constructor's checks
            for name, value in zip((*children, *static), (*values, *constant), strict=True):
                object.__setattr__(x, name, value)
            return x

        tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten)


@functools.cache
def _names(cls: Any) -> tuple[list[str], list[str]]:
    """Return the names of the fields that are children, and of those that are part of the structure."""
    fields = dataclasses.fields(cls)
    static = [field.name for field in fields if field.metadata.get("static")]
    return [field.name for field in fields if field.name not in static], static
