"""What an optimizer carries from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sofim_ref.arrays.pytrees import register_pytree


@dataclass(frozen=True, slots=True)
class State:
    """The state that an optimizer carries from step to step: arrays and numbers alone, so saving it saves the run.

    Parameters
    ----------
    step : int
        The number of steps taken.

    Notes
    -----
    Every state is a JAX pytree whose children are its fields, once JAX is loaded; a field that must stay a Python value
    is declared with ``dataclasses.field(metadata={"static": True})``. What ``jax.jit`` returns has all numbers, `step`
    too, as arrays of shape ().
    """

    step: int

    def __init_subclass__(cls, **settings: Any) -> None:
        super(State, cls).__init_subclass__(**settings)  # bare super() means the class from before it got its slots
        register_pytree(cls)


register_pytree(State)
