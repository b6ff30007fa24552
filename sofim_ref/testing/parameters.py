"""Parameters by name, as a torch module or JAX tree has them, and the way back to the order of this library's w."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace, to_numpy
from sofim_ref.models import MLP, Linear, Model
from sofim_ref.testing.host_arrays import Host, real_array


@dataclass(frozen=True, eq=False)
class NamedParameters:
    """A model's parameters, named and shaped as in the framework that it comes from.

    Those of an `MLP` are called as in torch's ``Sequential(Linear, Tanh, Linear)``.

    Parameters
    ----------
    places : dict
        From each name to an integer array of the parameter's shape: the place of each entry in w.
    unpack : callable, optional
        From w to what the framework has its parameters in; a dict by name if not given.

    Examples
    --------
    >>> from sofim_ref.models import MLP
    >>> NamedParameters.of(MLP((3, 5, 2))).shapes
    {'0.weight': (5, 3), '0.bias': (5,), '2.weight': (2, 5), '2.bias': (2,)}
    """

    places: dict[str, Host] = field(repr=False)
    unpack: Callable[[Array], Any] | None = None

    @classmethod
    def of(cls, model: Model) -> NamedParameters:
        """Return the parameters of a model; those of one that has no names are one array, ``"w"``."""
        if isinstance(model, MLP | Linear):
            return cls(_dense(model))
        if not hasattr(model, "unpack"):
            return cls({"w": np.arange(model.dim)})
        assert model.like is not None
        tree = model.unpack(from_numpy(np.arange(float(model.dim)), like=model.like))
        found = {name: to_numpy(x).round().astype(int) for name, x in leaves(tree)}
        if hasattr(model, "module"):  # whose state has buffers too
            found = {name: found[name] for name, p in model.module.named_parameters() if p.requires_grad}
        return cls(found, model.unpack)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by its name."""
        return {name: places.shape for name, places in self.places.items()}

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return sum(places.size for places in self.places.values())

    def split(self, w: Host, like: Array) -> Any:
        """Return the arrays that w, shape (d,), consists of, on the backend of `like`, as the framework has them."""
        if self.unpack is not None:
            return self.unpack(from_numpy(w, like=like))
        return {name: from_numpy(w[places], like=like) for name, places in self.places.items()}

    def join(self, argument: str, given: Any, lead: tuple[int, ...] = ()) -> Array:
        """Return a user's arrays as one of shape (*lead, d) in this library's order, refusing other shapes.

        It keeps their backend and dtype; of two backends, those of the first array.

        Parameters
        ----------
        argument : str
            What the arrays are called in a message.
        given : mapping, sequence or array
            Arrays of shape (*lead, *shape) by name or in order, or in each other; or one of shape (*lead, d), flattened
            in order.
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
                moved = len(shape) == 4 and sorted(x.shape) == sorted(lead + shape)
                hint = " Has it its axes in another order, channels last say?" * moved
                msg = f"{argument}[{name!r}] must have shape {lead + shape}, got {tuple(x.shape)}.{hint}"
                raise ValueError(msg)
            piece = x if namespace(x) is xp else from_numpy(to_numpy(x), like=arrays[0])
            pieces.append(xp.reshape(piece, (*lead, prod(shape))))
        flat = xp.concat(pieces, axis=-1)
        order = np.argsort(np.concatenate([places.ravel() for places in self.places.values()]))
        return xp.take(flat, from_numpy(order, like=flat), axis=-1)

    def _arrays(self, argument: str, given: Any, lead: tuple[int, ...]) -> list[Array]:
        """Return an array for each name; one that stands for all is cut into them."""
        if isinstance(given, Mapping | list | tuple):
            parts = dict(leaves(given))
            if len(parts) != len(self.shapes):
                msg = f"{argument} must be an array for each of {', '.join(self.shapes)}, got {len(parts)} of them"
                raise ValueError(msg + differing(parts if isinstance(given, Mapping) else {}, self.shapes))
            return [real_array(f"{argument}[{i}]", x) for i, x in enumerate(in_order(parts, self.shapes))]
        whole = real_array(argument, given)
        if tuple(whole.shape) != (*lead, self.dim):
            msg = (
                f"{argument} must be a mapping like parameters, or have shape {(*lead, self.dim)}, "
                f"got {tuple(whole.shape)}."
            )
            raise ValueError(msg)
        xp, cut, start = namespace(whole), [], 0
        for shape in self.shapes.values():
            cut.append(xp.reshape(whole[..., start : start + prod(shape)], lead + shape))
            start += prod(shape)
        return cut


def differing(given: Mapping[str, Any], names: Mapping[str, Any]) -> str:
    """Return the end of a sentence: which names are missing in a mapping, and which are unknown."""
    missing, unknown = ([x for x in some if x not in others] for some, others in ((names, given), (given, names)))
    told = [f"{what}: {', '.join(which)}" for what, which in (("missing", missing), ("unknown", unknown)) if which]
    return f"; {'; '.join(told)}." if told and given else "."


def in_order(given: Mapping[str, Any] | Sequence[Any], names: Mapping[str, Any]) -> list[Any]:
    """Return the values of a mapping in the names' order if these are its keys, in its own otherwise."""
    if not isinstance(given, Mapping):
        return list(given)
    return [given[name] for name in names] if set(given) == set(names) else list(given.values())


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the arrays in mappings and sequences, in each other too, by their paths: ``"encoder.0.kernel"``."""
    if isinstance(tree, Mapping):
        parts = [(str(key), part) for key, part in tree.items()]
    elif isinstance(tree, list | tuple):
        parts = [(str(i), part) for i, part in enumerate(tree)]
    else:
        yield path, tree
        return
    for key, part in parts:
        yield from leaves(part, f"{path}.{key}" if path else key)


def _dense(model: MLP | Linear) -> dict[str, Host]:
    """Return the places of each layer's weights, outputs first as torch has them, and of its biases."""
    found: dict[str, Host] = {}
    biased = model.intercept if isinstance(model, Linear) else True
    for i, layer in enumerate(model.layers):
        block = np.arange(layer.start, layer.stop).reshape(layer.rows, layer.columns)
        found[f"{2 * i}.weight"] = block[: layer.rows - biased].T
        if biased:
            found[f"{2 * i}.bias"] = block[-1]
    return found
