"""What a `TorchModel` can't be: each refusal in a sentence, with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.namespace import dtype_name
from sofim_ref.arrays.validation import count, finite, floating, nearest, one_of, same_backend, shown
from sofim_ref.models.model import one_row_each
from sofim_ref.models.torch_layers import torch

if TYPE_CHECKING:
    from sofim_ref.models.torch_model import TorchModel


def check_module(module: Any) -> None:
    """Refuse what is no module, and a module whose parameters aren't a w or that doesn't take each row by itself."""
    if torch is None:
        msg = "TorchModel needs torch: pip install 'sofim_ref[torch]'."
        raise ImportError(msg)
    if not isinstance(module, torch.nn.Module):
        msg = f"module must be a torch.nn.Module, got {shown(module)}."
        raise TypeError(msg)
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not parameters:
        msg = "module must have a parameter that requires a gradient, got none: requires_grad_() unfreezes it."
        raise ValueError(msg)
    for name, p in parameters.items():
        if isinstance(p, torch.nn.parameter.UninitializedParameter):
            msg = f"module's parameters must have shapes, got {name} without: call the module once on a batch first."
            raise TypeError(msg)
        if dtype_name(p.dtype) not in ("float32", "float64"):
            msg = f"module's parameters must be float32 or float64, got {p.dtype} in {name}: module.float() converts."
            raise TypeError(msg)
    for what in ("dtype", "device"):
        found = sorted({str(getattr(p, what)) for p in parameters.values()})
        if len(found) > 1:
            msg = f"module's parameters must have one {what}, got {' and '.join(found)}: module.to(…) moves them all."
            raise ValueError(msg)
    for name, part in module.named_modules():
        _check_part(name or "the module", part)


def _check_part(name: str, part: Any) -> None:
    nn, called = torch.nn, f"{name} ({type(part).__name__})"
    if isinstance(part, nn.modules.batchnorm._BatchNorm) and (part.training or part.running_mean is None):  # noqa: SLF001  # all kinds of it
        remedy = "torch.nn.GroupNorm doesn't" if part.running_mean is None else "module.eval() fixes its statistics"
        msg = f"module mixes rows: per-example curvature is undefined. {called} normalizes by the batch; {remedy}."
        raise ValueError(msg)
    drops = max(
        (float(getattr(part, p)) for p in ("p", "dropout") if isinstance(getattr(part, p, None), float)), default=0
    )
    if part.training and (isinstance(part, nn.RReLU) or drops > 0):
        msg = f"module must not draw random numbers, got {called} in training mode: module.eval() switches it off."
        raise ValueError(msg)
    if part.training and isinstance(part, nn.modules.instancenorm._InstanceNorm) and part.track_running_stats:  # noqa: SLF001  # all kinds
        msg = f"module must not change its buffers, got {called} in training mode: module.eval() keeps them."
        raise ValueError(msg)
    if type(part).__name__ == "_WeightNorm":  # 2.13.0: g v/‖v‖ by hand agrees with differences, torch's own doesn't
        msg = (
            f"module must have second derivatives, got {called}: torch's are wrong; a parametrization g·v/‖v‖ has them."
        )
        raise ValueError(msg)
    if isinstance(part, nn.Embedding | nn.EmbeddingBag):
        for option in ("max_norm", "scale_grad_by_freq", "sparse"):
            if getattr(part, option):
                msg = f"module must be differentiable as it is, got {called} with {option}={getattr(part, option)!r}."
                raise ValueError(msg)


def check_settings(module: Any, chunk: int, exclude: tuple[str, ...], initial: str) -> None:
    """Refuse arguments of a `TorchModel` that are out of their range."""
    _check_exclude(module, exclude)
    count("chunk", chunk)
    one_of("initial", initial, ("module", "reset"))
    if initial == "reset":
        _check_reset(module)


def _check_exclude(module: Any, exclude: Any) -> None:
    """Refuse names that no part of the module has."""
    if not isinstance(exclude, tuple):
        msg = f"exclude must be a tuple of names of parts of the module, got {shown(exclude)}."
        raise TypeError(msg)
    known = [name for name, _ in module.named_modules()]
    for name in exclude:
        if name not in known:
            msg = f"exclude must name parts of the module, got {name!r}.{nearest(name, known)}"
            raise ValueError(msg)


def _check_reset(module: Any) -> None:
    """Refuse a module with parameters that no part of it draws anew."""
    for name, part in module.named_modules():
        own = [each for each, p in part.named_parameters(recurse=False) if p.requires_grad]
        if own and not hasattr(part, "reset_parameters") and not hasattr(part, "_reset_parameters"):
            msg = (
                f'initial="reset" needs a method reset_parameters in {name or "the module"} ({type(part).__name__}), '
                f"which has the parameter {own[0]!r} of its own; got none."
            )
            raise TypeError(msg)


def check_features(features: Array, like: Array) -> None:
    """Refuse floating features of another dtype than the parameters."""
    if features.is_floating_point() and features.dtype != like.dtype:
        msg = (
            f"features and the module's parameters must have one dtype, got {features.dtype} and {like.dtype}: "
            f"features.to({like.dtype}) converts."
        )
        raise TypeError(msg)


def check_pass(model: TorchModel, X: Array) -> int:
    """Return the number of outputs, from a trial of two different rows; refuse a module that isn't a function of each.

    Two passes must agree, a row alone must give what it gives beside another, and each layer's statistics the gradient.
    """
    others = (X[:1] != X).flatten(1).any(dim=1).nonzero()
    rows = X[[0, int(others[0])]] if len(others) else X[:1]
    w, allowed = model.like, eps(namespace(model.like), model.like.dtype) ** 0.5
    try:
        f = model.run(w, rows)
    except (RuntimeError, TypeError, IndexError, ValueError) as error:
        msg = f"module must take features of shape (N, {', '.join(map(str, X.shape[1:]))}), but it fails: {error}"
        raise ValueError(msg) from error
    check_outputs(f, rows, w)
    again, tape = model.forward(w, rows)
    if not tape.outputs.requires_grad:
        msg = (
            "module's outputs must depend on its parameters, but no gradient reaches these: is there a detach() in it?"
        )
        raise ValueError(msg)
    close = {"rtol": allowed, "atol": allowed * float(f.abs().max()), "equal_nan": True}
    if not torch.allclose(again, f, **close):
        msg = "module must be a function of w and features, but two passes differ: module.eval() ends dropout."
        raise ValueError(msg)
    if not torch.allclose(model.run(w, rows[:1]), f[:1], **close):
        msg = "module mixes rows: per-example curvature is undefined. A row's outputs depend on the rows beside it."
        raise ValueError(msg)
    _check_layers(model, tape, f)
    return int(f.shape[1])


def check_outputs(f: Any, X: Array, w: Array) -> None:
    """Refuse outputs that aren't a row for each example that depends on w."""
    if not isinstance(f, torch.Tensor) or f.ndim != 2 or f.shape[0] != X.shape[0]:
        got = f"shape {tuple(f.shape)}" if isinstance(f, torch.Tensor) else f"{type(f).__name__}"
        tensor = isinstance(f, torch.Tensor)
        remedy = one_row_each(tuple(f.shape), X.shape[0]) if tensor else "return one tensor"
        msg = f"module's outputs must have shape (N, C), got {got} for N = {X.shape[0]}: {remedy}."
        raise ValueError(msg)
    if f.dtype != w.dtype:
        msg = f"module's outputs must have the parameters' dtype {w.dtype}, got {f.dtype}."
        raise TypeError(msg)


def _check_layers(model: TorchModel, tape: Any, f: Array) -> None:
    """Refuse layers whose inputs and output gradients don't give each example's gradient."""
    u = torch.linspace(1, 2, f.numel(), dtype=f.dtype, device=f.device).reshape(f.shape)
    try:
        flows = model.layer_statistics(model.like, tape, u)
    except (RuntimeError, IndexError) as error:
        msg = f"the statistics of a layer can't be split into rows ({error}): {_OTHERWISE}"
        raise ValueError(msg) from error
    try:
        whole = model.per_example_vjp(model.like, tape, u)
    except RuntimeError:  # an operation in it has no rule for vmap
        model.vectorizes = False
        whole = model.per_example_vjp(model.like, tape, u)
    for name, flow in zip(model.layer_names, flows, strict=True):
        h, s = (x if x.ndim > 2 else x[:, None, :] for x in (flow.inputs, flow.gradients))
        claimed, true = (h.mT @ s).flatten(1), whole[:, flow.layer.start : flow.layer.stop]
        size = float(true.abs().max())
        if not torch.allclose(claimed, true, rtol=0.0, atol=10 * eps(namespace(f), f.dtype) ** 0.5 * size):
            msg = f"the layer {name!r} isn't all that its weight is used in, or its first axis isn't N: {_OTHERWISE}"
            raise ValueError(msg)


_OTHERWISE = "exclude=(…) takes layers out of those that K-FAC and AdaFisher cover."


def check_vector(w: Array, like: Array) -> None:
    """Refuse what can't hold a module's parameters: another shape, backend, dtype or device, or numbers not finite."""
    floating("w", w, ndim=1)
    same_backend(w=w, parameters=like)
    if w.shape != like.shape:
        msg = f"w must have shape {tuple(like.shape)}, a number for each parameter, got {tuple(w.shape)}."
        raise ValueError(msg)
    finite("w", w)
