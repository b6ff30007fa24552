"""Methods from a TOML file: a known method under a new name, with settings of the reader's."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Container, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sofim_ref.arrays.validation import one_of
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.policy_tables import from_table
from sofim_ref.optimizers.registry import REGISTRY, check_method, method_named
from sofim_ref.optimizers.search_space import LogUniform, OneOf

_OWN = ("method", "title", "colour", "space")
"""The keys of a table that are no settings of the optimizer."""


def read_methods(path: Path, known: Container[str] = REGISTRY) -> tuple[Method, ...]:
    """Return the methods of a TOML file, one a table.

    Parameters
    ----------
    path : Path
        Each table's name is the new method's. Its key ``method`` names one of `REGISTRY`; ``title`` and ``colour`` are
        as in `Method`; ``space`` is a table from a setting to the two ends of an interval, or to
        ``{one_of = [values]}``; all other keys are settings of the optimizer, which are not searched unless ``space``
        has them. A policy is ``{policy = "GradientRoot", c = 0.1}``.
    known : container of str
        Names that the new methods must not have.

    Returns
    -------
    tuple of Method

    Raises
    ------
    OSError
        If the file can't be read.
    TypeError, ValueError
        If it is no TOML, or a name, a setting or a value isn't known or possible.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    methods: list[Method] = []
    for name, table in tables.items():
        if not isinstance(table, Mapping) or "method" not in table:
            msg = f"[{name}] must be a table with a key 'method', the name of the method that it sets, got {table!r}."
            raise ValueError(msg)
        try:
            methods.append(_method(name, table))
            check_method(methods[-1], {each.name for each in methods[:-1]})
            check_method(methods[-1], known)
        except (TypeError, ValueError) as error:
            msg = f"[{name}]: {error}"
            raise type(error)(msg) from error
    return tuple(methods)


def _method(name: str, table: Mapping[str, Any]) -> Method:
    base = method_named(table["method"])
    possible = [field.name for field in dataclasses.fields(base.build(steps=1))]
    settings = {key: value for key, value in table.items() if key not in _OWN}
    space = table.get("space", {})
    for key in (*settings, *space):
        one_of("a setting", key, possible)
    settings = {key: from_table(key, value) for key, value in settings.items()}
    return dataclasses.replace(
        base,
        name=name,
        title=table.get("title", ", ".join([base.title, *(f"{key} = {value}" for key, value in settings.items())])),
        make=partial(base.make, **settings),
        space={key: where for key, where in base.space.items() if key not in settings}
        | {key: _searched(key, where) for key, where in space.items()},
        colour=table.get("colour", ""),
    )


def _searched(key: str, where: Any) -> LogUniform | OneOf:
    """Return where a setting is searched."""
    match where:
        case [int() | float() as low, int() | float() as high] if 0 < low < high:
            return LogUniform(low, high)
        case {"one_of": [_, *_] as values, **others} if not others:
            return OneOf(tuple(from_table(key, value) for value in values))
    msg = f"space.{key} must be an interval [low, high], 0 < low < high, or {{one_of = […]}}, got {where!r}."
    raise ValueError(msg)
