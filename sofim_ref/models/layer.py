"""Layers for curvature methods: a layer's block of the parameters, its inputs, the gradients in its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sofim_ref.arrays import Array, device, namespace


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
        h̄ of each example and position, the 1 for the bias at the end; or h, one column fewer, which gets its 1s when
        they are asked for.
    gradients : array, shape (B, columns), or (B, T, columns)
        s, likewise: the derivative of the example's own loss in the layer's outputs, before the activation.

    Examples
    --------
    >>> import numpy as np
    >>> h, s = np.asarray([[2.0], [3.0]]), np.asarray([[0.5], [0.25]])
    >>> flow = LayerStatistics(Layer(0, rows=2, columns=1), h, s)
    >>> flow.inputs
    array([[2., 1.],
           [3., 1.]])
    >>> flow.gram()
    array([[13.,  5.],
           [ 5.,  2.]])
    """

    def __init__(self, layer: Layer, inputs: Array, gradients: Array) -> None:
        self.layer, self._given, self.gradients = layer, inputs, gradients

    @cached_property
    def inputs(self) -> Array:
        """The h̄ of each example and position, shape (B, rows) or (B, T, rows)."""
        h = self._given
        if h.shape[-1] == self.layer.rows:
            return h
        xp = namespace(h)
        return xp.concat([h, xp.ones((*h.shape[:-1], 1), dtype=h.dtype, device=device(h))], axis=-1)

    def gram(self) -> Array:
        """Return Σₙₜ h̄ₙₜh̄ₙₜᵀ, shape (rows, rows); inputs without their 1 are not copied for it."""
        xp, h = namespace(self._given), self._given
        h = xp.reshape(h, (-1, h.shape[-1]))
        A = h.T @ h
        if h.shape[1] == self.layer.rows:
            return A
        like = {"dtype": h.dtype, "device": device(h)}
        total = xp.ones((1, h.shape[0]), **like) @ h
        below = xp.concat([total, xp.full((1, 1), h.shape[0], **like)], axis=1)
        return xp.concat([xp.concat([A, total], axis=0), below.T], axis=1)
