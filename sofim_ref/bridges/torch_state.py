"""A method's State as a dict, which torch saves and loads, and the method with a group's hyper-parameters."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch

from sofim_ref.arrays.validation import shown
from sofim_ref.optimizers import Optimizer, State


def fields_of(state: State) -> dict[str, Any]:
    """Return a state's fields by name."""
    return {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}


def make_state(kind: type[State], entries: Mapping[str, Any]) -> State:
    """Return the state that has these fields; other entries are left out."""
    return kind(**{field.name: entries[field.name] for field in dataclasses.fields(kind)})


def in_memory_of_its_own(state: Mapping[Any, Any]) -> defaultdict[Any, dict[str, Any]]:
    """Return what is known of each parameter with copies of the tensors: steps in place would write into a file's."""
    copies = {
        p: {name: x.clone() if isinstance(x, torch.Tensor) else x for name, x in entries.items()}
        for p, entries in state.items()
    }
    return defaultdict(dict, copies)


def with_options(method: Optimizer[Any], options: Mapping[str, Any]) -> Optimizer[Any]:
    """Return a method with other hyper-parameters; a learning rate may be 0, and then a step moves the state alone."""
    lr = options.get("lr", method.lr)
    if callable(lr):
        msg = (
            f"lr must be a number that torch's schedulers can change, got {shown(lr)}: give the first one, and "
            "torch.optim.lr_scheduler.LambdaLR what it is multiplied by."
        )
        raise TypeError(msg)
    if type(lr) in (int, float) and lr == 0:
        still = dataclasses.replace(method, **{**options, "lr": 1.0})
        object.__setattr__(still, "lr", 0.0)  # torch's schedules begin or end with it; as a setting it is refused
        return still
    return dataclasses.replace(method, **options)
