"""Choices and loops that depend on computed numbers: made on the host, or on the device inside a JAX transformation.

Outside of ``jax.jit``, ``vmap`` and ``jacfwd`` each is the Python statement that it replaces, and waits for the number
that it looks at. Inside, where there is no number yet, it becomes a part of the program that JAX compiles.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeVar

from sofim_ref.arrays.namespace import Array, namespace
from sofim_ref.arrays.tracing import is_traced

S = TypeVar("S")
T = TypeVar("T")

Condition = Array | bool
"""A truth value: Python's, or an array of shape ()."""


def number(x: Array) -> Any:
    """Return an array of shape () as a Python float; inside a JAX transformation, as it is.

    Parameters
    ----------
    x : array, shape ()

    Returns
    -------
    float or JAX tracer

    Examples
    --------
    >>> import numpy as np
    >>> number(np.float32(0.5))
    0.5
    """
    return x if is_traced(x) else float(x)


def scalar(x: Any, like: Array) -> Array:
    """Return a number as an array of shape (), with the dtype and on the device of another: the reverse of `number`.

    A state that keeps it so is of one kind before and after each step, so that JAX compiles the step once.

    Parameters
    ----------
    x : float or array, shape ()
    like : array, shape (d,), d >= 1

    Returns
    -------
    array, shape ()

    Examples
    --------
    >>> import numpy as np
    >>> scalar(0.5, np.ones(2, dtype=np.float32))
    array(0.5, dtype=float32)
    """
    xp = namespace(like)
    return xp.reshape(x * xp.ones_like(like[:1]), ())


def choose(condition: Condition, one: T, other: T) -> T:
    """Return `one` if the condition holds, else `other`.

    Parameters
    ----------
    condition : bool or array, shape ()
    one, other : numbers, or arrays of one shape

    Returns
    -------
    number or array

    Examples
    --------
    >>> choose(2 > 1, "yes", "no")
    'yes'
    """
    if is_traced(condition):
        chosen: T = namespace(condition).where(condition, one, other)
        return chosen
    return one if condition else other


def branch(condition: Condition, one: Callable[[], T], other: Callable[[], T]) -> T:
    """Return ``one()`` if the condition holds, else ``other()``; only that one is called.

    Parameters
    ----------
    condition : bool or array, shape ()
    one, other : callable
        Without arguments. Inside a JAX transformation both are traced, and the compiled program takes one. Then what
        they return must have the same structure, shapes and dtypes; and what one of them keeps, in an oracle's memory
        say, must not be used outside: see `Oracle.aside`.

    Returns
    -------
    object

    Examples
    --------
    >>> branch(2 > 1, lambda: "yes", lambda: "no")
    'yes'
    """
    if is_traced(condition):
        taken: T = _lax().cond(condition, one, other)
        return taken
    return one() if condition else other()


def repeat(body: Callable[[S], tuple[Condition, S]], state: S, limit: int) -> S:
    """Return the state after a loop of at most `limit` turns.

    The first turn is outside of the loop that JAX compiles, so that what an oracle remembers in it can be used later.

    Parameters
    ----------
    body : callable
        One turn: from a state to whether there is to be another, and the next state.
    state : tuple of arrays and numbers
    limit : int
        From 1 on.

    Returns
    -------
    tuple
        The state after the last turn.

    Examples
    --------
    >>> repeat(lambda x: (x < 100, 2 * x), 1, limit=3)
    8
    """
    go_on, state = body(state)
    if is_traced(go_on):
        loop = _lax().while_loop(
            lambda carried: carried[1] & (carried[0] < limit),
            lambda carried: (carried[0] + 1, *body(carried[2])),
            (1, go_on, state),
        )
        last: S = loop[2]
        return last
    for _ in range(1, limit):
        if not go_on:
            break
        go_on, state = body(state)
    return state


def _lax() -> Any:
    return importlib.import_module("jax.lax")
