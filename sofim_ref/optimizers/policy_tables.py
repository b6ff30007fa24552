"""Policies by name, as a file holds them: ``{policy = "GradientRoot", c = 0.1}`` stands for ``GradientRoot(c=0.1)``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from sofim_ref.arrays.policy import Policy
from sofim_ref.arrays.validation import nearest, one_of
from sofim_ref.optimizers.moment_policies import SquaredMoment
from sofim_ref.optimizers.policies import GradientRoot, Scheduled, SquaredGradient
from sofim_ref.optimizers.ratio_policies import LevenbergMarquardt, TrustRadius
from sofim_ref.optimizers.schedules import Constant, Cosine, StepDecay

NAMED: dict[str, dict[str, Callable[..., Any]]] = {
    "policy": {
        kind.__name__: kind
        for kind in (GradientRoot, LevenbergMarquardt, Scheduled, SquaredGradient, SquaredMoment, TrustRadius)
    },
    "schedule": {kind.__name__: kind for kind in (Constant, Cosine, StepDecay)},
}
"""What a table can stand for, by the key whose value names it."""


def from_table(argument: str, value: Any) -> Any:
    """Return the policy or schedule that a table stands for; a value that is no table as it is.

    Parameters
    ----------
    argument : str
        What an error calls it.
    value : object
        A mapping with the key ``policy`` or ``schedule``, whose value is the name of a class, and its arguments; or
        anything else.

    Returns
    -------
    object

    Raises
    ------
    TypeError, ValueError
        If a table names neither, or no policy or schedule is of that name, or it doesn't take the arguments.

    Examples
    --------
    >>> from_table("rho", {"policy": "GradientRoot", "c": 0.1})
    GradientRoot(c=0.1)
    >>> from_table("rho", {"policy": "Scheduled", "schedule": {"schedule": "Cosine", "lr": 1.0, "steps": 4}})
    Scheduled(schedule=Cosine(lr=1.0, steps=4, lowest=0.0))
    >>> from_table("rho", 0.5)
    0.5
    """
    if not isinstance(value, Mapping):
        return value
    key = next((key for key in NAMED if key in value), None)
    if key is None:
        msg = f"{argument} must be a number or name its rule, as in {{policy = 'GradientRoot', c = 0.1}}, got {value}."
        raise ValueError(msg)
    one_of(f"{argument}'s {key}", value[key], NAMED[key])
    kind = NAMED[key][value[key]]
    given = {name: from_table(f"{argument}'s {name}", part) for name, part in value.items() if name != key}
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]  # all are dataclasses
    for name in given:
        if name not in known:
            msg = f"{argument}'s {value[key]} takes {', '.join(known)}, not {name}.{nearest(name, known)}"
            raise ValueError(msg)
    return kind(**given)


def as_table(value: Any) -> Any:
    """Return a policy or schedule as the table that stands for it, and anything else as it is.

    Parameters
    ----------
    value : object

    Returns
    -------
    object

    Examples
    --------
    >>> from sofim_ref.optimizers import GradientRoot
    >>> as_table(GradientRoot(0.1))
    {'policy': 'GradientRoot', 'c': 0.1}
    """
    key = "policy" if isinstance(value, Policy) else "schedule"
    if key == "schedule" and type(value) not in NAMED[key].values():
        return value
    parts = {each.name: as_table(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return {key: type(value).__name__, **parts}
