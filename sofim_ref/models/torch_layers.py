"""The parameters of a torch module as blocks of w, and the layers among them: `Linear`, `Conv2d` and `Embedding`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sofim_ref.arrays import Array
from sofim_ref.models.layer import Layer, LayerStatistics, ParameterBlock

torch: Any = None  # any type at all, so that types are checked alike where torch is absent
with suppress(ImportError):
    torch = importlib.import_module("torch")

Tensors = dict[str, Any]
"""Parameters of a module by name."""


@dataclass(frozen=True)
class Block:
    """A contiguous block of w and the parameters of a module that it holds.

    Parameters
    ----------
    name : str
        The layer's name in the module, empty if it is the module itself; or the parameter's.
    start, stop : int
        Where it begins in w, and where it ends.
    shapes : dict
        The shape of each parameter in it, by name: of a layer's weight first, then of its bias if it has one.
    kind : {"Linear", "Conv2d", "Embedding"} or None
        The kind of layer; None for a parameter that no layer covers.
    """

    name: str
    start: int
    stop: int
    shapes: Mapping[str, tuple[int, ...]]
    kind: str | None = None

    @cached_property
    def layer(self) -> Layer:
        """W̄ = [Wᵀ; b] of a layer, where W has a row for each output; an embedding's W has a column for each."""
        weight = next(iter(self.shapes.values()))
        columns = weight[-1 if self.kind == "Embedding" else 0]
        return Layer(self.start, (self.stop - self.start) // columns, columns)

    @property
    def uncovered(self) -> ParameterBlock:
        """The block of a parameter that no layer covers."""
        return ParameterBlock(self.name, self.start, self.stop)

    def views(self, w: Array) -> Tensors:
        """Return its parameters as views of w."""
        part = w[self.start : self.stop]
        if self.kind is None:
            return {name: part.view(shape) for name, shape in self.shapes.items()}
        rows = part.view(self.layer.rows, self.layer.columns)
        (weight, shape), *biases = self.shapes.items()
        W = rows[: self.layer.rows - len(biases)]
        found = {weight: W if self.kind == "Embedding" else W.T.unflatten(1, shape[1:])}
        return found | {name: rows[-1] for name, _ in biases}

    def flat(self, tensors: Tensors) -> Array:
        """Return its parameters, or what has their shapes behind leading dimensions, as they stand in w."""
        parts = [tensors[name] for name in self.shapes]
        lead = parts[0].ndim - len(next(iter(self.shapes.values())))
        if self.kind is None:
            return parts[0].flatten(lead) if parts[0].ndim > lead else parts[0][..., None]
        W = parts[0] if self.kind == "Embedding" else parts[0].flatten(lead + 1).mT
        return torch.cat([W, *(b[..., None, :] for b in parts[1:])], dim=-2).flatten(lead)


def blocks_of(module: Any, exclude: tuple[str, ...]) -> list[Block]:
    """Return the blocks of all parameters that require a gradient, in the module's order.

    A layer's weight and bias are one block, unless a name in `exclude` is the layer's or of what contains it, or its
    weight is shared with another part of the module; then each parameter is a block of its own.
    """
    names: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    shared = {name: " = ".join(alike) for alike in names.values() if len(alike) > 1 for name in alike}
    layers = {
        name: part
        for name, part in module.named_modules()
        if _kind(part) is not None and not any(f"{name}.".startswith(f"{one}.") for one in exclude)
    }
    found: list[Block] = []
    free = {name: tuple(p.shape) for name, p in module.named_parameters() if p.requires_grad}
    while free:
        name = next(iter(free))
        owner, _, own = name.rpartition(".")
        start = found[-1].stop if found else 0
        within = [f"{owner}.{each}".removeprefix(".") for each in ("weight", "bias")]
        if owner in layers and own == "weight" and name not in shared:
            shapes = {each: free.pop(each) for each in within if each in free and each not in shared}
            kind, called = _kind(layers[owner]), owner
        else:
            shapes, kind, called = {name: free.pop(name)}, None, shared.get(name, name)
        size = sum(torch.Size(shape).numel() for shape in shapes.values())
        found.append(Block(called, start, start + size, shapes, kind))
    return found


def _kind(part: Any) -> str | None:
    """Return the kind of layer that a module is; None for subclasses, whose forward pass may be another."""
    nn = torch.nn
    if type(part) in (nn.Linear, nn.Conv2d, nn.Embedding) and isinstance(part._parameters.get("weight"), nn.Parameter):  # noqa: SLF001  # a parametrized layer has its weight elsewhere
        return type(part).__name__ if getattr(part, "groups", 1) == 1 else None
    return None


# ------------------------------------------------------------ what layers see in a forward pass


class Call(NamedTuple):
    """One call of a layer in a forward pass."""

    inputs: Array
    edge: Any
    """Where the gradient in the layer's outputs is to be had, whatever is done to these in place afterwards."""
    shape: tuple[int, ...]
    """The outputs' shape."""


Calls = list[tuple[Block, list[Call]]]
"""Each layer's block and its calls."""


@contextmanager
def recorded(module: Any, blocks: list[Block]) -> Iterator[Calls]:
    """Record the calls of the layers while the module runs."""
    found: Calls = [(block, []) for block in blocks if block.kind is not None]
    handles = [module.get_submodule(block.name).register_forward_hook(_recorder(calls)) for block, calls in found]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _recorder(calls: list[Call]) -> Any:
    def record(_: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        edge = torch.autograd.graph.get_gradient_edge(outputs)
        calls.append(Call(inputs[0].detach(), edge, tuple(outputs.shape)))

    return record


def statistics(module: Any, block: Block, calls: list[Call], gradients: list[Array], B: int) -> LayerStatistics:
    """Return a layer's inputs and output gradients for B examples; several calls in one pass share its weights."""
    layer = module.get_submodule(block.name)
    if not calls:
        nothing = next(layer.parameters()).new_zeros
        return LayerStatistics(block.layer, nothing(B, block.layer.rows), nothing(B, block.layer.columns))
    s = _joined([_by_example(x.movedim(1, -1) if block.kind == "Conv2d" else x, B) for x in gradients])
    h = _joined([_by_example(_INPUTS[block.kind or ""](layer, call.inputs), B) for call in calls]).to(s.dtype)
    if len(block.shapes) > 1:
        h = torch.cat([h, h.new_ones((*h.shape[:-1], 1))], dim=-1)
    return LayerStatistics(block.layer, h, s)


def _patches(layer: Any, x: Array) -> Array:
    """Return what a convolution multiplies by its weight at each output position, shape (B, T, in_channels·kh·kw)."""
    size, step, spread = layer.kernel_size, layer.stride, layer.dilation
    if isinstance(layer.padding, str):
        total = [(k - 1) * gap if layer.padding == "same" else 0 for k, gap in zip(size, spread, strict=True)]
        around = [(each // 2, each - each // 2) for each in total]
    else:
        around = [(each, each) for each in layer.padding]
    (top, bottom), (left, right) = around
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    x = torch.nn.functional.pad(x, (left, right, top, bottom), mode=mode)
    return torch.nn.functional.unfold(x, size, dilation=spread, stride=step).mT


def _one_hot(layer: Any, tokens: Array) -> Array:
    """Return a unit vector for each token, zero for the one that pads, shape (…, number of embeddings)."""
    h = torch.nn.functional.one_hot(tokens.long(), layer.num_embeddings)
    if layer.padding_idx is not None:
        h[..., layer.padding_idx] = 0
    return h


_INPUTS = {"Linear": lambda _, x: x, "Conv2d": _patches, "Embedding": _one_hot}


def _by_example(x: Array, B: int) -> Array:
    """Return (B, k) as it is, and all else as (B, T, k)."""
    return x if x.ndim == 2 and x.shape[0] == B else x.reshape(B, -1, x.shape[-1])


def _joined(calls: list[Array]) -> Array:
    """Return the inputs or gradients of all calls, one call's positions after another's."""
    return calls[0] if len(calls) == 1 else torch.cat([x if x.ndim > 2 else x[:, None, :] for x in calls], dim=1)
