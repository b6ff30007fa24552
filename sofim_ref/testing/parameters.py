"""Parameters by name, as a torch module's `state_dict` has them, and the way back to the order of this library's w."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace, to_numpy
from sofim_ref.models import Layer
from sofim_ref.testing.host_arrays import Host, real_array


@dataclass(frozen=True)
class NamedParameters:
    """The weights and biases of an `MLP`, named and shaped as in torch's ``Sequential(Linear, Tanh, Linear)``.

    Parameters
    ----------
    layers : tuple of Layer
        The network's layers, each with a bias.

    Examples
    --------
    >>> from sofim_ref.models import MLP
    >>> NamedParameters(MLP((3, 5, 2)).layers).shapes
    {'0.weight': (5, 3), '0.bias': (5,), '2.weight': (2, 5), '2.bias': (2,)}
    """

    layers: tuple[Layer, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by its name."""
        found: dict[str, tuple[int, ...]] = {}
        for i, layer in enumerate(self.layers):
            found |= {f"{2 * i}.weight": (layer.columns, layer.rows - 1), f"{2 * i}.bias": (layer.columns,)}
        return found

    def split(self, w: Host, like: Array) -> dict[str, Array]:
        """Return the arrays that w, shape (d,), consists of, on the backend of `like`."""
        arrays: list[Host] = []
        for layer in self.layers:
            block = w[layer.start : layer.stop].reshape(layer.rows, layer.columns)
            arrays += [np.ascontiguousarray(block[:-1].T), block[-1].copy()]
        return {name: from_numpy(x, like=like) for name, x in zip(self.shapes, arrays, strict=True)}

    def join(self, argument: str, given: Any, lead: tuple[int, ...] = ()) -> Array:
        """Return a user's arrays as one of shape (*lead, d) in this library's order, refusing other shapes.

        It keeps their backend and dtype; of two backends, those of the first array.

        Parameters
        ----------
        argument : str
            What the arrays are called in a message.
        given : mapping, sequence or array
            Arrays of shape (*lead, *shape) by name or in order; or one of shape (*lead, d), flattened in order.
        lead : tuple of int
            The axes before those of a parameter.

        Raises
        ------
        TypeError, ValueError
            If they are no arrays, too few or too many, or of other shapes.
        """
        arrays = self._arrays(argument, given, lead)
        xp, pieces = namespace(arrays[0]), []
        for (name, shape), x in zip(self.shapes.items(), arrays, strict=True):
            if tuple(x.shape) != lead + shape:
                msg = f"{argument}[{name!r}] must have shape {lead + shape}, got {tuple(x.shape)}."
                raise ValueError(msg)
            piece = x if namespace(x) is xp else from_numpy(to_numpy(x), like=arrays[0])
            piece = xp.matrix_transpose(piece) if len(shape) == 2 else piece
            pieces.append(xp.reshape(piece, (*lead, prod(shape))))
        return xp.concat(pieces, axis=-1)

    def _arrays(self, argument: str, given: Any, lead: tuple[int, ...]) -> list[Array]:
        """Return an array for each name; one that stands for all is cut into them."""
        if isinstance(given, Mapping | list | tuple):
            values = [real_array(f"{argument}[{i}]", x) for i, x in enumerate(in_order(given, self.shapes))]
            if len(values) != len(self.shapes):
                msg = f"{argument} must be an array for each of {', '.join(self.shapes)}, got {len(values)} of them."
                raise ValueError(msg)
            return values
        whole = real_array(argument, given)
        ends = [0, *accumulate(prod(shape) for shape in self.shapes.values())]
        if tuple(whole.shape) != (*lead, ends[-1]):
            msg = (
                f"{argument} must be a mapping like parameters, or have shape {(*lead, ends[-1])}, "
                f"got {tuple(whole.shape)}."
            )
            raise ValueError(msg)
        xp, parts = namespace(whole), zip(pairwise(ends), self.shapes.values(), strict=True)
        return [xp.reshape(whole[..., start:stop], lead + shape) for (start, stop), shape in parts]


def in_order(given: Mapping[str, Any] | Sequence[Any], names: Mapping[str, Any]) -> list[Any]:
    """Return the values of a mapping in the names' order if these are its keys, in its own otherwise."""
    if not isinstance(given, Mapping):
        return list(given)
    return [given[name] for name in names] if set(given) == set(names) else list(given.values())
