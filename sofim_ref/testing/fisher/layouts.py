"""The orders in which others flatten a model's parameters, and the parts of a matrix that they keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from sofim_ref.models import Layer

Host = np.ndarray[Any, Any]

BIASES = {
    "last": "the bias last",
    "first": "the bias first",
    "unit last": "each unit's bias after its weights",
    "unit first": "each unit's bias before its weights",
    "all last": "all biases after all weights",
    "all first": "all biases before all weights",
    "none": "no biases",
}
"""The places where others put the biases, and how a sentence says it."""

ORDERS = {"rows": "row by row", "columns": "column by column"}
"""How a layer's W, shape (inputs, outputs), is flattened; torch keeps its transpose: column by column here."""
CHANNELS = ("channels last", "channels first")
"""What a layout is called in which the inputs of a convolution are ordered otherwise than in its layer."""
AXES = ("OIHW", "OHWI", "HWIO")
"""The orders of a kernel's axes: outputs, inputs, height, width."""
OWN = "the model's own order"
"""What that of a torch module's parameters() or of a JAX tree's leaves is called."""
NATIVE = ("", OWN, "this library's order", ORDERS["rows"], f"{ORDERS['rows']} with {BIASES['last']}")
"""What the order is called that needs no words: this library's, of a model with biases or without; a module's own."""


@dataclass(frozen=True, eq=False)
class Layout:
    """An order of the parameters: place i of the user's vector is parameter ``index[i]`` of this library's w.

    Parameters
    ----------
    name : str
        How a sentence says it: "column by column with the bias first, layers in reverse".
    index : integer array, shape (d,), or fewer where biases are left out
        The parameter at each place.
    """

    name: str
    index: Host


def layouts(
    layers: tuple[Layer, ...],
    biased: tuple[bool, ...],
    d: int,
    own: Host | None = None,
    kernels: tuple[Host, ...] = (),
) -> list[Layout]:
    """Return every layout once: a module's own first, then this library's, row by row with the bias last.

    Parameters
    ----------
    layers, biased, d
        The layers, whether each has a bias, and the number of parameters.
    own : integer array, shape (d,), optional
        The order of a module's parameters() or of a tree's leaves.
    kernels : tuple of integer arrays
        The places in w of each convolution's kernel, in the axes O × I × H × W.
    """
    native = np.arange(d)
    found: dict[bytes, Layout] = {}
    if own is not None:
        found[own.tobytes()] = Layout(OWN, own)
    if not layers:
        found.setdefault(native.tobytes(), Layout("this library's order", native))
        found.setdefault(native[::-1].tobytes(), Layout("the reverse order", native[::-1]))
    orders = {"": tuple(np.arange(layer.rows) for layer in layers)}
    if kernels:
        orders |= {f", {name}": tuple(inputs(layer, kernels, name) for layer in layers) for name in CHANNELS}
    for (channels, rows), reverse, (bias, place), (order, words) in product(
        orders.items(), (False, True), BIASES.items(), ORDERS.items()
    ):
        if not layers or (channels and reverse):
            continue
        blocks = [_split(native, layer, has) for layer, has in zip(layers, biased, strict=True)]
        blocks = [(W[row[: len(W)]], b) for row, (W, b) in zip(rows, blocks, strict=True)]
        index = np.concatenate(list(_places(blocks[::-1] if reverse else blocks, order, bias)))
        name = f"{words} with {place}" if any(biased) else words
        if index.size:
            found.setdefault(index.tobytes(), Layout(name + ", layers in reverse" * reverse + channels, index))
    for axes in AXES:
        if own is None:
            break
        index = _transposed(own, kernels, axes)
        found.setdefault(index.tobytes(), Layout(f"{OWN}, kernels as {' × '.join(axes)}", index))
    if layers:
        found.setdefault(native[::-1].tobytes(), Layout("entry by entry from the last to the first", native[::-1]))
    return list(found.values())


def inputs(layer: Layer, kernels: tuple[Host, ...], channels: str) -> Host:
    """Return the rows of a layer's block with a convolution's channels before or after the positions, a bias last."""
    for kernel in kernels:
        if layer.start <= kernel.min() < layer.stop:
            first = kernel[0] if channels == CHANNELS[1] else np.moveaxis(kernel[0], 0, -1)
            rows = (first.ravel() - layer.start) // layer.columns
            return np.concatenate([rows, np.setdiff1d(np.arange(layer.rows), rows)])
    return np.arange(layer.rows)


def _transposed(own: Host, kernels: tuple[Host, ...], axes: str) -> Host:
    """Return a module's own order with its kernels' axes in another order."""
    index, place = own.copy(), np.argsort(own)
    for kernel in kernels:
        start = int(place[kernel.ravel()].min())
        index[start : start + kernel.size] = kernel.transpose(["OIHW".index(axis) for axis in axes]).ravel()
    return index


def _split(native: Host, layer: Layer, has_bias: bool) -> tuple[Host, Host]:
    """Return the parameters of W, shape (inputs, outputs), and of b, shape (outputs,) or (0,)."""
    block = native[layer.start : layer.stop].reshape(layer.rows, layer.columns)
    return (block[:-1], block[-1]) if has_bias else (block, block[0, :0])


def _places(blocks: list[tuple[Host, Host]], order: str, bias: str) -> Iterator[Host]:
    """Yield the parameters, piece by piece, as an order of W and a place of the bias put them."""
    if bias == "all first":
        yield from (b for _, b in blocks)
    for W, b in blocks:
        if bias.startswith("unit") and b.size:
            rows = (b[None], W) if bias == "unit first" else (W, b[None])
            yield _flat(np.concatenate(rows), order)
            continue
        if bias == "first":
            yield b
        yield _flat(W, order)
        if bias == "last":
            yield b
    if bias == "all last":
        yield from (b for _, b in blocks)


def _flat(W: Host, order: str) -> Host:
    return W.ravel() if order == "rows" else W.T.ravel()


@dataclass(frozen=True, eq=False)
class Part:
    """The entries of a matrix that are kept, the others being zero: those of two parameters of one group.

    Parameters
    ----------
    name : {"whole", "blocks", "diagonal"}
        What `FisherVerdict.part` says.
    words : str
        How a sentence says it.
    groups : integer array, shape (d,)
        The group of each parameter.
    """

    name: str
    words: str
    groups: Host

    @cached_property
    def names(self) -> Host:
        """The groups, each once."""
        return np.unique(self.groups)


def parts(layers: tuple[Layer, ...], biased: tuple[bool, ...], d: int) -> list[Part]:
    """Return the whole matrix, its blocks of a layer, of a tensor, of a unit, and its diagonal, each once."""
    layer_of, tensor_of, unit_of = np.zeros(d, int), np.zeros(d, int), np.zeros(d, int)
    units = 0
    for number, (layer, has) in enumerate(zip(layers, biased, strict=True)):
        here = slice(layer.start, layer.stop)
        rows, columns = np.divmod(np.arange(layer.stop - layer.start), layer.columns)
        layer_of[here] = number
        tensor_of[here] = 2 * number + (has & (rows == layer.rows - 1))
        unit_of[here] = units + columns
        units += layer.columns
    found: dict[bytes, Part] = {}
    for name, words, groups in (
        ("whole", "", np.zeros(d, int)),
        ("blocks", "the blocks of one layer each", layer_of),
        ("blocks", "the blocks of one tensor each, weights and biases apart", tensor_of),
        ("blocks", "the blocks of one output unit each", unit_of),
        ("diagonal", "the diagonal", np.arange(d)),
    ):
        _, first = np.unique(groups, return_inverse=True)
        found.setdefault(first.tobytes(), Part(name, words, groups))
    return list(found.values())


def place_name(layers: tuple[Layer, ...], biased: tuple[bool, ...], parameter: int) -> str:
    """Return a parameter's name in words: "layer 2, weight 3 × 5", or "parameter 7" where there are no layers."""
    for number, (layer, has) in enumerate(zip(layers, biased, strict=True), start=1):
        if layer.start <= parameter < layer.stop:
            row, column = divmod(parameter - layer.start, layer.columns)
            what = f"bias {column + 1}" if has and row == layer.rows - 1 else f"weight {row + 1} × {column + 1}"
            return f"layer {number}, {what}"
    return f"parameter {parameter}"
