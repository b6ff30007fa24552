"""Derivatives of a function that is written for JAX or torch arrays, by the framework's own differentiation."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from sofim_ref.arrays.namespace import Array, is_jax, is_torch


def can_differentiate(x: Array) -> bool:
    """Return whether a function of an array can be differentiated: whether it is one of JAX or torch."""
    return is_jax(x) or is_torch(x)


def differentiable(name: str, loss: Array, w: Array) -> Array:
    """Return what a function gave at w, refusing a number that its framework can't differentiate.

    Parameters
    ----------
    name : str
        The function's name in messages.
    loss : array, shape ()
    w : array of JAX or torch, shape (d,)
        The point; while a derivative is taken, the framework's stand-in for it.

    Raises
    ------
    TypeError
        If `loss` is no array of w's framework.
    ValueError
        If torch follows w but not the loss, because w was detached on the way. JAX's ``stop_gradient`` can't be seen.
    """
    kind = "JAX" if is_jax(w) else "torch"
    if not (is_jax(loss) if is_jax(w) else is_torch(loss)):
        msg = f"{name} must return a number made of w by {kind}'s operations, got {type(loss).__name__}."
        raise TypeError(msg)
    if kind == "torch" and w.requires_grad and not loss.requires_grad:
        msg = f"{name} must depend on w, got one that torch can't differentiate: without detach(), data and no_grad()."
        raise ValueError(msg)
    return loss


def gradient_of(f: Callable[[Array], Array], w: Array) -> Array:
    """Return ∇f(w), shape (d,): one forward and one backward pass."""
    found: Array = _transformations(w).grad(f)(w)
    return found


def hvp_of(f: Callable[[Array], Array], w: Array, v: Array) -> Array:
    """Return ∇²f(w) v, shape (d,), by two backward passes: torch has no forward derivative of many an operation."""
    transform = _transformations(w)
    _, pull = transform.vjp(transform.grad(f), w)
    found: Array = pull(v)[0]
    return found


def gradients_at(f: Callable[[Array, Array], Array], w: Array, rows: Array) -> Array:
    """Return the gradient in w of f(w, r) for each one-row array r of `rows`, shape (B, d), in one batched pass.

    Parameters
    ----------
    f : callable
        (w, r) -> number, r of shape (1,).
    w : array, shape (d,)
    rows : array, shape (B,)
    """
    transform = _transformations(w)
    found: Array = transform.vmap(transform.grad(f), (None, 0))(w, rows[:, None])
    return found


def _transformations(w: Array) -> Any:
    """Return the module whose ``grad``, ``vjp`` and ``vmap`` differentiate functions of w: JAX's and torch's agree."""
    return importlib.import_module("jax" if is_jax(w) else "torch.func")
