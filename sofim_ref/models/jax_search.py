"""The search for layers in a function written in JAX: its jaxpr, interpreted on places instead of numbers.

A place tells which parameter an entry of a value is. Operations that move entries are carried out on places, so that a
weight is found through any transposition or reshaping of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sofim_ref.models.jax_interpreter import interpret
from sofim_ref.models.jax_layers import KINDS, JaxLayer, Places, others


@dataclass(frozen=True)
class _Known:
    """A value of which each entry is known: a parameter, by its place; or an output of a layer, by its column."""

    at: Places
    layer: JaxLayer | None = None


_MOVES: dict[str, Callable[[Any, Any], list[Any]]] = {
    "broadcast_in_dim": lambda a, how: [
        np.broadcast_to(np.expand_dims(a, others(len(how["shape"]), how["broadcast_dimensions"])), how["shape"])
    ],
    "convert_element_type": lambda a, _: [a],
    "copy": lambda a, _: [a],
    "reshape": lambda a, how: [a.reshape(how["new_sizes"])],
    "slice": lambda a, how: [
        a[tuple(map(slice, how["start_indices"], how["limit_indices"], how["strides"] or (1,) * a.ndim))]
    ],
    "split": lambda a, how: np.split(a, np.cumsum(how["sizes"])[:-1], axis=how["axis"]),
    "squeeze": lambda a, how: [np.squeeze(a, tuple(how["dimensions"]))],
    "transpose": lambda a, how: [a.transpose(how["permutation"])],
}
"""The operations that move entries and change none."""


def layers_of(jaxpr: Any, shapes: Sequence[tuple[int, ...]], exclude: Sequence[bool]) -> list[JaxLayer]:
    """Return the layers in a closed jaxpr whose first inputs are parameters of these shapes, first to last.

    A weight or bias that anything else computes with belongs to none, nor do parameters that `exclude` says.
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    search = _Search(np.repeat(exclude, sizes).astype(np.intp))
    places = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    parameters = [_Known(at.reshape(shape)) for at, shape in zip(places, shapes, strict=True)]
    features = [None] * (len(jaxpr.jaxpr.invars) - len(shapes))
    search.read(interpret(jaxpr.jaxpr, [None] * len(jaxpr.consts), [*parameters, *features], search.rule))
    return search.result()


class _Search:
    """What is found while a jaxpr is interpreted.

    Parameters
    ----------
    uses : integer array, shape (d,)
        How many equations compute with each parameter, so far.
    """

    def __init__(self, uses: Places) -> None:
        self.uses = uses
        self.found: list[JaxLayer] = []
        self.equations = 0

    def rule(self, equation: Any, given: list[Any]) -> list[Any]:
        """Return what is known of an equation's outputs, None where nothing is."""
        name, number = equation.primitive.name, self.equations
        self.equations += 1
        if name in _MOVES and isinstance(given[0], _Known) and _keeps_dtype(equation):
            return [replace(given[0], at=at) for at in _MOVES[name](given[0].at, equation.params)]
        self.read(given)
        if name in {"add", "add_any"}:
            _find_bias(*given)
            _find_bias(*given[::-1])
        parameters = [value.at if _is_parameter(value) else None for value in given]
        layer = KINDS[name](equation, parameters) if name in KINDS else None
        if layer is None:
            return [None] * len(equation.outvars)
        layer.equation = number
        self.found.append(layer)
        columns = np.tile(np.arange(layer.weight.shape[1]), (layer.positions, 1))
        return [_Known(layer.as_outputs(columns), layer)]

    def read(self, values: Iterable[Any]) -> None:
        """Count the use of these values by something else than a move."""
        for value in values:
            if _is_parameter(value):
                self.uses[np.unique(value.at)] += 1
            elif isinstance(value, _Known) and value.layer is not None:
                value.layer.reads += 1

    def result(self) -> list[JaxLayer]:
        """Return the layers whose weights nothing else uses, each with its bias if nothing else uses that."""
        for layer in self.found:
            if layer.reads != 1 or layer.bias is None or not self._alone(layer.bias):
                layer.bias = None
        return [layer for layer in self.found if self._alone(layer.weight)]

    def _alone(self, at: Places) -> bool:
        return len(np.unique(at)) == at.size and bool((self.uses[at] == 1).all())


def _find_bias(z: Any, b: Any) -> None:
    """Note the bias of a layer where parameters are added to its outputs z, the same to each entry of a column."""
    if isinstance(z, _Known) and z.layer is not None and _is_parameter(b):
        columns, at = np.broadcast_arrays(z.at, b.at)
        known, first = np.unique(columns, return_index=True)
        bias = at.ravel()[first]
        if len(known) == z.layer.weight.shape[1] and (bias[columns] == at).all():
            z.layer.bias = bias


def _is_parameter(value: Any) -> bool:
    return isinstance(value, _Known) and value.layer is None


def _keeps_dtype(equation: Any) -> bool:
    return all(out.aval.dtype == equation.invars[0].aval.dtype for out in equation.outvars)
