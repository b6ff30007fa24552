"""An interpreter of jaxprs, JAX's form of a function: a list of equations, one for each primitive operation."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

jax: Any = None  # any type at all, so that types are checked alike where JAX is absent
with suppress(ImportError):
    jax = importlib.import_module("jax")
    core = importlib.import_module("jax.extend.core")

_INLINED = {"jit", "pjit", "closed_call", "checkpoint", "remat", "remat2"}
"""Calls that are interpreted equation by equation. Others stay whole: loops, and functions with derivatives of their
own, which their equations alone would not have."""


def interpret(jaxpr: Any, consts: Iterable[Any], inputs: Iterable[Any], rule: Callable[[Any, list[Any]], Any]) -> Any:
    """Return what a jaxpr's outputs are, one equation after another, where `rule(equation, inputs)` says each."""
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *inputs), strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for equation in jaxpr.eqns:
        given = [read(atom) for atom in equation.invars]
        if equation.primitive.name in _INLINED:
            inner = equation.params["call_jaxpr" if "call_jaxpr" in equation.params else "jaxpr"]
            body = getattr(inner, "jaxpr", inner)  # closed over its constants, or without any
            found = interpret(body, getattr(inner, "consts", ()), given, rule)
        else:
            found = rule(equation, given)
        values.update(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def evaluate(equation: Any, given: list[Any]) -> Any:
    """Return the numbers that an equation gives: the rule of JAX itself."""
    options = equation.primitive.get_bind_params(equation.params)
    functions, options = (
        options if isinstance(options, tuple) else ((), options)
    )  # older versions of JAX give both apart
    found = equation.primitive.bind(*functions, *given, **options)
    return found if equation.primitive.multiple_results else [found]
