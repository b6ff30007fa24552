"""What the torch bridge refuses: methods, groups, parameters and gradients."""

from __future__ import annotations

import dataclasses
from difflib import get_close_matches
from typing import Any

import torch

from sofim_ref.bridges.torch_loss import ClosureLoss
from sofim_ref.optimizers import Optimizer

_OPTIONS = {
    "maximize": "return minus the loss",
    "differentiable": "a step that is differentiated is sofim_ref's own, optimizer.step(w, state, oracle)",
    "capturable": "its numbers are Python's, not tensors",
}
"""Options of torch's own optimizers that would change what a step does, and what to do without them."""


def asks_more(method: Optimizer[Any]) -> bool:
    """Return whether a method asks for more than the gradient at the point where it is."""
    return method.needs != {"gradient"} or method.asks_elsewhere


def check_method(method: Optimizer[Any], group: dict[str, Any], *, n_groups: int) -> None:
    """Refuse a method that needs what no closure tells, and a group with options that the bridge doesn't have."""
    name = type(method).__name__
    if missing := method.needs - ClosureLoss.offers:
        remedy = (
            "wrap the network as sofim_ref.models.TorchModel, and pass problems.FiniteSum(model, likelihood, X, y) to "
            "sofim_ref.minimize"
        )
        if getattr(method, "scope", None) == "layer":
            remedy = 'leave scope="global" and give each layer a group of its own, whose C is of that layer alone'
        msg = (
            "method must need no more of the loss than values, gradients and Hessian products: "
            f"{method!r} needs {', '.join(sorted(missing))}, which a torch loop can't give; {remedy}."
        )
        raise TypeError(msg)
    method.check_loop("a torch loop")
    if n_groups > 1 and method.asks_elsewhere:
        msg = (
            f"params must be one group for {name}, got {n_groups}: it asks about the loss at other points, and a step "
            "there is of all parameters together."
        )
        raise ValueError(msg)
    for option, remedy in _OPTIONS.items():
        if group.get(option):
            msg = f"{option} must be left out for {name}: {remedy}."
            raise ValueError(msg)
    settings = {field.name for field in dataclasses.fields(method)}
    for option in group.keys() - settings:
        if close := get_close_matches(option, settings, n=1, cutoff=0.8):
            msg = (
                f"a group must name the settings of {name} and options of its own, got {option!r}: is it {close[0]!r}?"
            )
            raise ValueError(msg)


def check_parameters(group: dict[str, Any]) -> None:
    """Refuse parameters that can't be parts of one real vector; those that require no gradient may be anything."""
    if len(set(group["params"])) < len(group["params"]):
        msg = "params must hold each parameter once, got one of them twice in a group."
        raise ValueError(msg)
    first: tuple[Any, Any] | None = None
    for i, p in enumerate(group["params"]):
        if not p.requires_grad:
            continue
        name = _name(group, i)
        if torch.nn.parameter.is_lazy(p):
            msg = f"{name} must have a shape: call the module once on an example, then make the optimizer."
            raise TypeError(msg)
        if type(p.data) is not torch.Tensor or p.layout is not torch.strided:
            msg = f"{name} must be a plain dense tensor on one device, got {type(p.data).__name__}, {p.layout}."
            raise TypeError(msg)
        if p.dtype not in (torch.float32, torch.float64):
            remedy = "a complex number's real and imaginary part are two parameters"
            if p.dtype in (torch.float16, torch.bfloat16):
                remedy = "keep parameters in float32, and compute in half precision with torch.autocast"
            msg = f"{name} must be float32 or float64, got {_dtype(p)}: {remedy}."
            raise TypeError(msg)
        first = first or (p.dtype, p.device)
        if (p.dtype, p.device) != first:
            msg = (
                f"{name} must be {str(first[0]).removeprefix('torch.')} on {first[1]}, as the group's first one is, "
                f"got {_dtype(p)} on {p.device}: give each dtype and device a group of its own."
            )
            raise ValueError(msg)


def check_gradients(group: dict[str, Any]) -> None:
    """Refuse sparse gradients."""
    for i, p in enumerate(group["params"]):
        if p.grad is not None and p.grad.layout is not torch.strided:
            msg = f"the gradient of {_name(group, i)} must be dense, got {p.grad.layout}: pass sparse=False."
            raise TypeError(msg)


def check_finite(method: Optimizer[Any], loss: torch.Tensor, error: Exception) -> None:
    """Say of a step that failed that the loss isn't finite, where that is so."""
    if not bool(torch.isfinite(loss).all()):
        msg = (
            f"the loss must be finite for a step of {type(method).__name__}, got {loss.item()}: has the run diverged? "
            "A smaller learning rate may help."
        )
        raise ValueError(msg) from error


def check_trained(group: dict[str, Any], before: list[int]) -> None:
    """Refuse a group whose parameters that require a gradient are others than those that its state is of."""
    if changed := sorted(set(before) ^ set(trained(group))):
        i = changed[0]
        what = "frozen" if i in before else "unfrozen"
        msg = (
            f"{_name(group, i)} was {what} after its group's state was made, whose vectors are of all parameters that "
            "required a gradient then: give parameters that are frozen together a group of their own."
        )
        raise ValueError(msg)


def trained(group: dict[str, Any]) -> list[int]:
    """Return the numbers of a group's parameters that require a gradient."""
    return [i for i, p in enumerate(group["params"]) if p.requires_grad]


def _name(group: dict[str, Any], i: int) -> str:
    """Return a parameter's name where it was given, or its number in the group."""
    return str(group["param_names"][i]) if "param_names" in group else f"parameter {i} of its group"


def _dtype(p: torch.Tensor) -> str:
    return str(p.dtype).removeprefix("torch.")
