"""The checks that a state, a point and an oracle go with each other and with an optimizer."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from sofim_ref.arrays import Array, HostDecisionError, namespace
from sofim_ref.arrays.tracing import reason_of
from sofim_ref.arrays.validation import an_instance, floating, same_backend, shown
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

A = TypeVar("A")
B = TypeVar("B")


def check_same_point(w: Array, w_of_oracle: Array) -> None:
    """Refuse a point of another shape, backend, device or dtype than the oracle's; the numbers aren't compared."""
    floating("w", w, ndim=1)
    same_backend(w=w, oracle=w_of_oracle)
    if w.shape != w_of_oracle.shape:
        msg = f"w must have shape {tuple(w_of_oracle.shape)}, as the oracle's point has, got {tuple(w.shape)}."
        raise ValueError(msg)


def check_fit(state: Any, fresh: State, owner: object) -> None:
    """Refuse a state of another kind than a fresh one of its optimizer, or with arrays that don't go with its point."""
    if type(state) is not type(fresh):
        names = type(fresh).__name__, type(state).__name__
        msg = f"state must be of the class {names[0]} to go with {type(owner).__name__}, got {shown(state)}."
        if any(" and " in name for name in names):  # what a policy keeps
            msg += " A run goes on with the policies that it began with: what they keep is in the state."
        raise TypeError(msg)
    for field in dataclasses.fields(state):
        x, like = getattr(state, field.name), getattr(fresh, field.name)
        if not hasattr(like, "shape"):
            continue
        argument = f"state.{field.name}"
        floating(argument, x, ndim=like.ndim)
        same_backend(**{"w0": like, argument: x})
        if x.shape != like.shape and 0 not in like.shape:  # one that begins empty may have grown
            msg = f"{argument} must have shape {tuple(like.shape)}, got {tuple(x.shape)}."
            raise ValueError(msg)


def explained(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method whose last arguments are state and oracle, which, where it fails, refuses what doesn't fit.

    Nothing is checked of a step that succeeds.
    """

    @functools.wraps(method)
    def asked(*arguments: Any, **named: Any) -> Any:
        try:
            return method(*arguments, **named)
        except MISFITS:
            optimizer, *_, state, oracle = inspect.signature(method).bind(*arguments, **named).arguments.values()
            refuse_misfit(optimizer, state, oracle)
            raise

    return asked


def refuse_misfit(optimizer: Any, state: Any, oracle: Any) -> None:
    """Refuse, after a step that failed, an oracle that is none, and a state that doesn't go with it."""
    an_instance("oracle", oracle, Oracle, "problem.oracle(w) makes one")
    check_fit(state, optimizer.init(namespace(oracle.w).zeros_like(oracle.w)), optimizer)


MISFITS = (AttributeError, IndexError, RuntimeError, TypeError, ValueError)
"""What a step raises whose state or oracle doesn't fit."""


def pair(owner: object, call: str, found: tuple[A, B], first: type, second: type) -> tuple[A, B]:
    """Return what a method of a class returned; refuse anything but a tuple of an instance of each of two classes."""
    if type(found) is tuple and len(found) == 2:
        one, other = found
        if isinstance(one, first) and isinstance(other, second):
            return found
    got = ", ".join(type(part).__name__ for part in found) if isinstance(found, tuple) else type(found).__name__
    got = f"({got})" if isinstance(found, tuple) else got
    msg = f"{type(owner).__name__}.{call} must return ({first.__name__}, {second.__name__}), got {got}."
    raise TypeError(msg)


def raise_named(owner: object, error: TypeError) -> NoReturn:
    """Raise an error again; one of an optimizer that needs a number on the host inside a JAX transformation by name.

    Parameters
    ----------
    owner : Optimizer
    error : TypeError

    Raises
    ------
    HostDecisionError
        Where the error says so.
    """
    if (reason := reason_of(error)) is None:
        raise error
    name = type(owner).__name__
    msg = f"{name} can't step inside jax.jit, vmap or jacfwd, since it decides on the host: {reason}"
    raise HostDecisionError(msg) from error
