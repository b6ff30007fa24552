"""The order in which a vector w holds the parameters of a function in JAX: layer by layer, then what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, NamedTuple, Self

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.models.jax_checks import names_of
from sofim_ref.models.jax_interpreter import jax
from sofim_ref.models.jax_layers import JaxLayer, Places
from sofim_ref.models.jax_search import layers_of
from sofim_ref.models.layer import Layer, ParameterBlock


class _Piece(NamedTuple):
    """A part of w, and where its entries are in a leaf of the parameters."""

    leaf: int
    start: int
    stop: int
    places: Places
    axes: tuple[int, ...] | None
    """The order of the leaf's axes in which its entries are the part; None if it is more than that, or less."""

    @classmethod
    def of(cls, places: Places, start: int, ends: Places, shapes: Sequence[tuple[int, ...]]) -> Self:
        """Return the piece of w from `start` on that holds these parameters, all of one leaf."""
        leaf = int(np.searchsorted(ends, places[0], side="right"))
        shape, inside = shapes[leaf], places - (ends[leaf - 1] if leaf else 0)
        whole = np.arange(int(np.prod(shape))).reshape(shape)
        orders = permutations(range(len(shape))) if len(inside) == whole.size else ()
        axes = next((axes for axes in orders if np.array_equal(whole.transpose(axes).ravel(), inside)), None)
        return cls(leaf, start, start + len(inside), inside, axes)


@dataclass(frozen=True, eq=False)
class Layout:
    """The blocks of w, each layer's W̄ first, and the way from them to parameters and back."""

    structure: Any
    """Of the pytree of parameters."""
    shapes: list[tuple[int, ...]]
    """Of its leaves."""
    row: tuple[Any, ...]
    """Shape and dtype of one row of the features."""
    jaxpr: Any
    """The function of the leaves and of one row."""
    found: list[JaxLayer]
    """The layers in it."""
    layers: tuple[Layer, ...]
    layer_names: tuple[str, ...]
    uncovered: tuple[ParameterBlock, ...]
    pieces: list[_Piece]
    n_outputs: int

    @classmethod
    def of(
        cls, apply: Callable[[Any, Any], Any], params: Any, X: Array, n_outputs: int, excluded: Sequence[bool]
    ) -> Self:
        """Return the layout that `apply` on one row X, shape (1, …), has."""
        leaves, structure = jax.tree_util.tree_flatten(params)
        names, shapes = names_of(params), [leaf.shape for leaf in leaves]
        jaxpr = jax.make_jaxpr(lambda leaves, X: apply(jax.tree_util.tree_unflatten(structure, leaves), X))(leaves, X)
        found = layers_of(jaxpr, shapes, excluded)
        ends = np.cumsum([leaf.size for leaf in leaves])
        pieces, layers, layer_names, uncovered = list[_Piece](), list[Layer](), list[str](), list[ParameterBlock]()

        def append(places: Places) -> _Piece:
            pieces.append(_Piece.of(places.ravel(), pieces[-1].stop if pieces else 0, ends, shapes))
            return pieces[-1]

        for layer in found:
            weight = append(layer.weight)
            layers.append(Layer(weight.start, *layer.block.shape))
            layer_names.append(names[weight.leaf])
            if layer.bias is not None:
                append(layer.bias)
        covered = np.concatenate([np.zeros(0, np.intp), *(layer.block.ravel() for layer in found)])
        for name, places in zip(names, np.split(np.arange(ends[-1]), ends[:-1]), strict=True):
            rest = np.setdiff1d(places, covered)
            if len(rest):
                piece = append(rest)
                uncovered.append(ParameterBlock(name, piece.start, piece.stop))
        known = tuple(layers), tuple(layer_names), tuple(uncovered), pieces, n_outputs
        return cls(structure, shapes, (X.shape[1:], X.dtype), jaxpr, found, *known)

    def flat(self, params: Any) -> Array:
        """Return parameters, or what has their shapes, in the order of w, shape (d,)."""
        leaves = jax.tree_util.tree_leaves(params)
        parts = []
        for leaf, _, _, places, axes in self.pieces:
            x = jax.numpy.asarray(leaves[leaf])
            parts.append(x.ravel()[places] if axes is None else x.transpose(axes).ravel())
        return jax.numpy.concatenate(parts)

    def params(self, w: Array) -> Any:
        """Return the parameters that w holds."""
        leaves = []
        for i, shape in enumerate(self.shapes):
            pieces = [piece for piece in self.pieces if piece.leaf == i]
            x = jax.numpy.concatenate([w[piece.start : piece.stop] for piece in pieces])
            if (axes := pieces[0].axes) is not None:
                leaves.append(x.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes)))
            else:
                leaves.append(x[np.argsort(np.concatenate([piece.places for piece in pieces]))].reshape(shape))
        return jax.tree_util.tree_unflatten(self.structure, leaves)
