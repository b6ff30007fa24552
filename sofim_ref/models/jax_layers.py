"""Layers of a function written in JAX: what they are made of, and what they see of an example."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.models.jax_interpreter import evaluate, interpret, jax

Places = np.ndarray[Any, Any]
"""Of each entry of a value, its place among all parameters."""

Given = list[Places | None]
"""Of each operand of an equation, its places if it is made of parameters."""


@dataclass(eq=False)
class JaxLayer:
    """An equation that multiplies inputs by parameters: a dense layer, a convolution or an embedding.

    Parameters
    ----------
    weight : integer array, shape (rows, columns)
        Where each entry of W is among all parameters.
    inputs : callable
        From the equation's operands to h at each position, shape (T, rows).
    as_outputs : callable
        From numbers at each position, shape (T, columns), to the shape of the equation's outputs.
    positions : int
        The number T of times that an example uses the weight.
    """

    weight: Places
    inputs: Callable[..., Array]
    as_outputs: Callable[[Any], Any]
    positions: int
    equation: int = 0
    """Its number in the order of interpretation."""
    bias: Places | None = None
    """Where each entry of b is among all parameters, shape (columns,)."""
    reads: int = 0
    """How many equations compute with its outputs: if another one than the bias's does, their gradients differ."""

    @property
    def block(self) -> Places:
        """Where each entry of W̄ = [W; b] is among all parameters, shape (rows, columns)."""
        return self.weight if self.bias is None else np.concatenate([self.weight, self.bias[None, :]])


def others(ndim: int, axes: Iterable[int]) -> tuple[int, ...]:
    """Return the axes but these."""
    return tuple(axis for axis in range(ndim) if axis not in tuple(axes))


def _dense(equation: Any, given: Given) -> JaxLayer | None:
    """Return the layer of a product of inputs and a weight, contracted over whatever axes; none for one by batches."""
    contracted, batched = equation.params["dimension_numbers"]
    side = 1 if given[0] is None else 0
    W, x = given[side], equation.invars[1 - side].aval
    if W is None or given[1 - side] is not None or batched[side]:
        return None
    over, along = tuple(contracted[side]), tuple(contracted[1 - side])
    rows = int(np.prod([W.shape[axis] for axis in over]))
    order, shape = (*others(x.ndim, along), *along), equation.outvars[0].aval.shape
    return JaxLayer(
        W.transpose(*over, *others(W.ndim, over)).reshape(rows, -1),
        lambda *operands: operands[1 - side].transpose(order).reshape(-1, rows),
        lambda z: (z if side == 1 else z.T).reshape(shape),
        x.size // rows,
    )


def _convolution(equation: Any, given: Given) -> JaxLayer | None:
    """Return the layer of a convolution of one group: its inputs are patches, channel by channel."""
    how, W = dict(equation.params), given[1]
    if W is None or given[0] is not None or how["feature_group_count"] * how["batch_group_count"] != 1:
        return None
    (columns, channels, *window), (n, c, *space) = how["dimension_numbers"].rhs_spec, how["dimension_numbers"].out_spec
    weight = W.transpose(channels, *window, columns).reshape(-1, W.shape[columns])
    names = ("window_strides", "padding", "lhs_dilation", "rhs_dilation", "dimension_numbers")
    options = {"filter_shape": [W.shape[axis] for axis in window], **{name: how[name] for name in names}}

    def inputs(x: Array, _: Array) -> Array:
        patches = jax.lax.conv_general_dilated_patches(x, **options, precision=jax.lax.Precision.HIGHEST)
        return patches.transpose(n, *space, c).reshape(-1, len(weight))

    return _by_position(equation, weight, inputs, (n, *space, c))


def _embedding(equation: Any, given: Given) -> JaxLayer | None:
    """Return the layer of rows looked up in a table: its inputs are unit vectors."""
    how, table = equation.params["dimension_numbers"], given[0]
    by_row = tuple(how.collapsed_slice_dims) == tuple(how.start_index_map) == (0,)
    if table is None or table.ndim != 2 or not by_row:
        return None
    V, width = table.shape
    if tuple(equation.params["slice_sizes"]) != (1, width) or how.operand_batching_dims:
        return None
    clipped = equation.params["mode"] == jax.lax.GatherScatterMode.CLIP

    def inputs(table: Array, rows: Array) -> Array:
        rows = rows[..., 0].reshape(-1)
        return jax.nn.one_hot(rows.clip(0, V - 1) if clipped else rows, V, dtype=table.dtype)

    (c,) = how.offset_dims
    return _by_position(equation, table, inputs, (*others(equation.outvars[0].aval.ndim, [c]), c))


def _by_position(equation: Any, weight: Places, inputs: Callable[..., Array], order: tuple[int, ...]) -> JaxLayer:
    """Return the layer whose outputs have axes of which `order` puts the columns last."""
    out = equation.outvars[0].aval
    shape, back = [out.shape[axis] for axis in order], tuple(int(axis) for axis in np.argsort(order))
    return JaxLayer(weight, inputs, lambda z: z.reshape(shape).transpose(back), out.size // weight.shape[1])


KINDS = {"dot_general": _dense, "conv_general_dilated": _convolution, "gather": _embedding}


def statistics(jaxpr: Any, layers: list[JaxLayer], inputs: list[Any], u: Any) -> list[tuple[Array, Array]]:
    """Return h̄ and s of each layer for one example, u its outputs' gradient: a row for each of T positions if T > 1."""
    by_number = {layer.equation: i for i, layer in enumerate(layers)}

    def observed(taps: list[Any]) -> Any:
        seen: list[Any] = [None] * len(layers)
        numbers = itertools.count()

        def rule(equation: Any, given: list[Any]) -> Any:
            found, i = evaluate(equation, given), by_number.get(next(numbers))
            if i is None:
                return found
            seen[i] = layers[i].inputs(*given)
            return [found[0] + layers[i].as_outputs(taps[i])]

        (outputs,) = interpret(jaxpr.jaxpr, jaxpr.consts, inputs, rule)
        return outputs, seen

    taps = [jax.numpy.zeros((layer.positions, layer.weight.shape[1]), u.dtype) for layer in layers]
    _, transposed, seen = jax.vjp(observed, taps, has_aux=True)
    (gradients,) = transposed(u)
    ones = [jax.numpy.ones((layer.positions, int(layer.bias is not None)), u.dtype) for layer in layers]
    with_bias = (jax.numpy.concatenate([h, one], axis=1) for h, one in zip(seen, ones, strict=True))
    pairs = zip(layers, with_bias, gradients, strict=True)
    return [(h, s) if layer.positions > 1 else (h[0], s[0]) for layer, h, s in pairs]
