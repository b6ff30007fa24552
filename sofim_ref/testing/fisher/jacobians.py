"""The Jacobian of a model's outputs in w, kept as layer inputs and output Jacobians where the model has layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sofim_ref.models import Layer

Host = np.ndarray[Any, Any]


class Jacobian(ABC):
    """J of shape (B, C, d) on the host, through its columns and products."""

    shape: tuple[int, int, int]

    @abstractmethod
    def examples(self, rows: slice) -> Jacobian:
        """Return J of some of the examples."""

    @abstractmethod
    def columns(self, index: Host) -> Host:
        """Return the columns of J for parameters `index`, shape (B, C, n)."""

    @abstractmethod
    def product(self, V: Host) -> Host:
        """Return J V, shape (B, C, k), for V of shape (d, k)."""

    @abstractmethod
    def adjoint(self, U: Host) -> Host:
        """Return Σₙ Jₙᵀ Uₙ, shape (d, k), for U of shape (B, C, k)."""

    @abstractmethod
    def diagonal(self, M: Host) -> Host:
        """Return the diagonal of Σₙ Jₙᵀ Mₙ Jₙ, shape (d,), for M of shape (B, C, C)."""


@dataclass(frozen=True, eq=False)
class DenseJacobian(Jacobian):
    """J as an array of shape (B, C, d): for models without layers, or rows of per-example gradients with C = 1."""

    J: Host

    @property
    def shape(self) -> tuple[int, int, int]:  # type: ignore[override]  # read-only here
        """The sizes B, C and d."""
        B, C, d = self.J.shape
        return B, C, d

    def examples(self, rows: slice) -> DenseJacobian:
        """Return J of some of the examples."""
        return DenseJacobian(self.J[rows])

    def columns(self, index: Host) -> Host:
        """Return the columns of J for parameters `index`, shape (B, C, n)."""
        return self.J[:, :, index]

    def product(self, V: Host) -> Host:
        """Return J V, shape (B, C, k)."""
        return self.J @ V

    def adjoint(self, U: Host) -> Host:
        """Return Σₙ Jₙᵀ Uₙ, shape (d, k)."""
        B, C, d = self.shape
        return np.asarray(self.J.reshape(B * C, d).T @ U.reshape(B * C, -1))

    def diagonal(self, M: Host) -> Host:
        """Return the diagonal of Σₙ Jₙᵀ Mₙ Jₙ, shape (d,)."""
        return np.asarray(np.sum(self.J * (M @ self.J), axis=(0, 1)))


@dataclass(frozen=True, eq=False)
class LayeredJacobian(Jacobian):
    r"""J as a layer's inputs h̄, shape (B, rows), and the outputs' Jacobian S in its sums, shape (B, C, columns).

    .. math:: J_{n c, (i, k)} = \bar h_{n i}\, S_{n c k} ,

    so that B(rows + C·columns) numbers a layer stand for B·C·rows·columns.
    """

    layers: tuple[Layer, ...]
    inputs: tuple[Host, ...]
    outputs: tuple[Host, ...]
    recent: dict[bytes, Host] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:  # type: ignore[override]  # read-only here
        """The sizes B, C and d."""
        B, C, _ = self.outputs[0].shape
        return B, C, self.layers[-1].stop

    def examples(self, rows: slice) -> LayeredJacobian:
        """Return J of some of the examples."""
        return LayeredJacobian(self.layers, tuple(h[rows] for h in self.inputs), tuple(S[rows] for S in self.outputs))

    def columns(self, index: Host) -> Host:
        """Return the columns of J for parameters `index`, shape (B, C, n); the last two answers are kept."""
        if (known := self.recent.get(index.tobytes())) is not None:
            return known
        B, C, _ = self.shape
        found = np.empty((B, C, len(index)))
        for layer, h, S in zip(self.layers, self.inputs, self.outputs, strict=True):
            here = (layer.start <= index) & (index < layer.stop)
            rows, columns = np.divmod(index[here] - layer.start, layer.columns)
            found[:, :, here] = h[:, None, rows] * S[:, :, columns]
        if len(self.recent) > 1:
            del self.recent[next(iter(self.recent))]
        self.recent[index.tobytes()] = found
        return found

    def product(self, V: Host) -> Host:
        """Return J V, shape (B, C, k)."""
        (B, C, _), k = self.shape, V.shape[1]
        total = np.zeros((B, C, k))
        for layer, h, S in zip(self.layers, self.inputs, self.outputs, strict=True):
            sums = h @ V[layer.start : layer.stop].reshape(layer.rows, layer.columns * k)
            total += S @ sums.reshape(B, layer.columns, k)
        return total

    def adjoint(self, U: Host) -> Host:
        """Return Σₙ Jₙᵀ Uₙ, shape (d, k)."""
        (B, _, d), k = self.shape, U.shape[2]
        found = np.empty((d, k))
        for layer, h, S in zip(self.layers, self.inputs, self.outputs, strict=True):
            s = np.swapaxes(S, 1, 2) @ U
            found[layer.start : layer.stop] = (h.T @ s.reshape(B, -1)).reshape(-1, k)
        return found

    def diagonal(self, M: Host) -> Host:
        """Return the diagonal of Σₙ Jₙᵀ Mₙ Jₙ, shape (d,)."""
        squares = [
            ((h * h).T @ np.sum(S * (M @ S), axis=1)).ravel() for h, S in zip(self.inputs, self.outputs, strict=True)
        ]
        return np.concatenate(squares)
