"""A forward pass of a torch module as autograd has recorded it, and its gradients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.models.torch_layers import Calls, Tensors, torch


@dataclass(eq=False)
class TorchTape:
    """The tape of a `TorchModel`: a forward pass as autograd has recorded it."""

    X: Array
    """The inputs, shape (N, …)."""
    parameters: Tensors
    """The module's parameters by name."""
    outputs: Array
    """The outputs, shape (N, C)."""
    calls: Calls
    """What the layers were given."""
    transposed: tuple[Array, Array, tuple[Array, ...]] | None = None
    """Some u; a leaf with its values; and Jᵀu, recorded as a function of that leaf and of the parameters."""


def gradients(of: Any, at: Iterable[Array], u: Any, *, create_graph: bool = False) -> tuple[Array, ...]:
    """Return the gradients of a recorded pass, zeros for what it doesn't depend on, and keep the record."""
    found: tuple[Array, ...] = torch.autograd.grad(
        of, tuple(at), u, retain_graph=True, create_graph=create_graph, materialize_grads=True
    )
    return found
