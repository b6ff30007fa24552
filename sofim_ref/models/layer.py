"""Layers for curvature methods: a layer's block of the parameters, its inputs, the gradients in its outputs."""

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


@dataclass(frozen=True)
class ParameterBlock:
    """A block of w that belongs to no `Layer`: a normalization's scale, say, or a table of positions.

    Parameters
    ----------
    name : str
        What messages call it.
    start, stop : int
        Where the block begins in w, and where it ends.

    Examples
    --------
    >>> ParameterBlock("norm.weight", 12, 16).name
    'norm.weight'
    """

    name: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    r"""A layer's inputs and output gradients on a batch.

    A layer with weight sharing multiplies several inputs of one example by the same W̄: a convolution one at each of its
    T output positions, a dense layer one for each of T tokens. The gradient of example n in W̄ is

    .. math:: \sum_{t=1}^{T} \bar h_{nt}\, s_{nt}^\top .

    Parameters
    ----------
    layer : Layer
        Where its parameters are.
    inputs : array, shape (B, rows), or (B, T, rows) with weight sharing
        h̄ of each example and position, the 1 for the bias at the end.
    gradients : array, shape (B, columns), or (B, T, columns)
        s, likewise: the derivative of the example's own loss in the layer's outputs, before the activation.
    """

    layer: Layer
    inputs: Array
    gradients: Array
