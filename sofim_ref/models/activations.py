"""Activations of a layer, each with its first and second derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sofim_ref.arrays import Array, namespace


@dataclass(frozen=True)
class Activation:
    """A function φ, entry by entry, with what backward and second-order passes need of it.

    Parameters
    ----------
    value : callable
        z -> φ(z).
    derivative : callable
        (z, φ(z)) -> φ'(z).
    second_derivative : callable
        (z, φ(z)) -> φ''(z).
    gain : float
        The variance of a starting weight, times the number of the layer's inputs, that keeps the sizes of signals.
    """

    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]
    second_derivative: Callable[[Array, Array], Array]
    gain: float = 1.0


def _ones(z: Array) -> Array:
    return namespace(z).ones_like(z)


def _zeros(z: Array) -> Array:
    return namespace(z).zeros_like(z)


_LINEAR, _CUBIC = math.sqrt(2 / math.pi), 0.044715  # Hendrycks & Gimpel's fit of Φ by tanh


def _gelu_tanh(z: Array) -> Array:
    return namespace(z).tanh(_LINEAR * (z + _CUBIC * z * z * z))


def _gelu_derivative(z: Array) -> Array:
    t, inner = _gelu_tanh(z), _LINEAR * (1 + 3 * _CUBIC * z * z)
    return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * inner


def _gelu_second_derivative(z: Array) -> Array:
    t, inner = _gelu_tanh(z), _LINEAR * (1 + 3 * _CUBIC * z * z)
    return (1 - t * t) * (inner + 0.5 * z * (6 * _LINEAR * _CUBIC * z - 2 * t * inner * inner))


ACTIVATIONS = {
    "tanh": Activation(lambda z: namespace(z).tanh(z), lambda _, a: 1 - a * a, lambda _, a: -2 * a * (1 - a * a)),
    "relu": Activation(
        lambda z: namespace(z).maximum(z, 0.0),
        lambda z, _: namespace(z).astype(z > 0, z.dtype),
        lambda z, _: _zeros(z),
        gain=2.0,
    ),
    "gelu": Activation(
        lambda z: 0.5 * z * (1 + _gelu_tanh(z)),
        lambda z, _: _gelu_derivative(z),
        lambda z, _: _gelu_second_derivative(z),
        gain=2.0,
    ),
    "identity": Activation(lambda z: z, lambda z, _: _ones(z), lambda z, _: _zeros(z)),
}
"""From a name to the activation. ``"gelu"`` is the tanh form, which needs no error function."""
