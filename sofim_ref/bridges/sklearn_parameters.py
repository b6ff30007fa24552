"""The parameters of the scikit-learn estimators: their ranges, and the optimizer, an object or a registered name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sofim_ref.arrays.validation import count, flag, nearest, non_negative, one_of, positive, shown
from sofim_ref.models.activations import ACTIVATIONS
from sofim_ref.optimizers import REGISTRY, Optimizer


def optimizer_named(optimizer: Any, *, steps: int) -> Optimizer[Any]:
    """Return an optimizer, made for a run of that many steps if it is given by its name; refuse anything else."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        remedy = "sofim_ref.SOFIM(lr=0.1) is one"
        msg = f"optimizer must be an Optimizer or a registered name, got {shown(optimizer)}: {remedy}."
        raise TypeError(msg)
    one_of("optimizer", optimizer, REGISTRY)
    return REGISTRY[optimizer].build(steps=steps)


def set_optimizer(optimizer: Any, settings: dict[str, Any]) -> Optimizer[Any]:
    """Return the optimizer with some of its settings changed; a name becomes the object that it stands for.

    Raises
    ------
    TypeError, ValueError
        If there is no such optimizer or setting, a setting is out of range, or the name stands for a method that must
        know the number of steps, which only `fit` knows.
    """
    method = REGISTRY.get(optimizer) if isinstance(optimizer, str) else None
    if method is not None and method.needs_steps and "steps" not in settings:
        msg = (
            f"optimizer={optimizer!r} must know the number of steps of the run, and takes settings as an object: pass "
            f"optimizer=sofim_ref.{type(method.make()).__name__}(steps=…, …)."
        )
        raise ValueError(msg)
    found = optimizer_named(optimizer, steps=settings.get("steps", 1))
    known = [field.name for field in dataclasses.fields(found)]
    for name in settings:
        if name not in known:
            msg = (
                f"optimizer__{name} is no setting of {type(found).__name__}, which has {', '.join(known)}."
                f"{nearest(name, known)}"
            )
            raise ValueError(msg)
    return dataclasses.replace(found, **settings)


def check_parameters(estimator: Any) -> None:
    """Refuse parameters out of their ranges, as scikit-learn wants it: in `fit`, and not when they are set."""
    sizes = estimator.hidden_layer_sizes
    if not isinstance(sizes, Sequence) or isinstance(sizes, str):
        msg = f"hidden_layer_sizes must be a tuple of integers >= 1, () for a linear model, got {shown(sizes)}."
        raise TypeError(msg)
    for i, width in enumerate(sizes):
        count(f"hidden_layer_sizes[{i}]", width)
    one_of("activation", estimator.activation, ACTIVATIONS)
    if isinstance(estimator.batch_size, str):
        one_of("batch_size", estimator.batch_size, ("auto",))
    elif estimator.batch_size is not None:
        count("batch_size", estimator.batch_size)
    for name in ("alpha", "tol"):
        non_negative(name, getattr(estimator, name))
    for name in ("max_iter", "n_iter_no_change"):
        count(name, getattr(estimator, name))
    for name in ("early_stopping", "warm_start", "verbose"):
        flag(name, getattr(estimator, name))
    positive("validation_fraction", estimator.validation_fraction)
    if estimator.validation_fraction >= 1:
        msg = f"validation_fraction must be a number in (0, 1), got {estimator.validation_fraction!r}."
        raise ValueError(msg)
