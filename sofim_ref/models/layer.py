"""A dense layer for curvature methods: its block of the parameters, its inputs, the gradients in its outputs."""

from __future__ import annotations

from dataclasses import dataclass

from sofim_ref.arrays import Array


@dataclass(frozen=True)
class Layer:
    """A block of w: the matrix W̄ that multiplies a layer's inputs h̄, a 1 appended to them where there is a bias.

    Parameters
    ----------
    start : int
        Where the block begins in w.
    rows, columns : int
        The shape of W̄: the length of h̄, and the number of the layer's outputs. W̄ is kept row after row.

    Examples
    --------
    >>> Layer(start=6, rows=3, columns=2).stop
    12
    """

    start: int
    rows: int
    columns: int

    @property
    def stop(self) -> int:
        """Where the block ends in w."""
        return self.start + self.rows * self.columns


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """A layer's inputs and output gradients on a batch; the gradient of example n in W̄ is the outer product h̄ₙ sₙᵀ.

    Parameters
    ----------
    layer : Layer
        Where its parameters are.
    inputs : array, shape (B, rows)
        h̄ of each example, the 1 for the bias at the end.
    gradients : array, shape (B, columns)
        s of each example: the derivative of its own loss in the layer's outputs, before the activation.
    """

    layer: Layer
    inputs: Array
    gradients: Array
