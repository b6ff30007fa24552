"""What policies keep from step to step: beside the method's own state, in one `State`."""

from __future__ import annotations

import dataclasses
import functools
from abc import abstractmethod
from collections.abc import Hashable
from typing import Any, cast

from sofim_ref.arrays import Array
from sofim_ref.arrays.policy import Policy
from sofim_ref.optimizers.preconditioned import Preconditioned
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

__all__ = ["KeepingPolicy", "Kept"]

Kept = dict[str, Any]
"""What a policy keeps: arrays and numbers by name."""

_PREFIX = "policy_"


class KeepingPolicy(Policy):
    """A policy with a state of its own, which is saved and resumed with the method's."""

    judges = False
    """Whether `judged` asks for the loss where the step ends."""

    @abstractmethod
    def init(self, w: Array) -> Kept:
        """Return what is kept before the first step at w, always under the same names."""

    @abstractmethod
    def value(self, kept: Kept, optimizer: Any, step: int, oracle: Oracle) -> tuple[Kept, Any]:
        """Return what is kept next, and the number > 0 of the step after that many steps of the method."""

    def judged(
        self, kept: Kept, oracle: Oracle, choice: Preconditioned, following: Array, lr: Any
    ) -> tuple[Array, Kept]:
        """Return the point where the step ends, and what is kept after it; unless said otherwise both unchanged."""
        return following, kept


class WithPolicy(State):
    """The state of a method and of its policy: the fields of both."""

    __slots__ = ()


def joined_type(method: type[State], names: tuple[str, ...]) -> type[Any]:
    """Return the class of states that have a method's fields and a policy's, by what the policy keeps: always one."""
    return _joined_type(cast("Hashable", method), names)


@functools.cache
def _joined_type(method: Any, names: tuple[str, ...]) -> type[Any]:
    fields = [(f.name, Any, dataclasses.field(metadata=f.metadata)) for f in dataclasses.fields(method)[1:]]
    fields += [(_PREFIX + name, Any, dataclasses.field()) for name in names]
    space = {"parts": (method, names), "__reduce__": lambda self: (_remade, (method, names, _values(self)))}
    name = f"{method.__name__} and {', '.join(names)}"
    return dataclasses.make_dataclass(name, fields, bases=(WithPolicy,), namespace=space, frozen=True)


def _values(state: Any) -> tuple[Any, ...]:
    return tuple(getattr(state, field.name) for field in dataclasses.fields(state))


def _remade(method: type[State], names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return joined_type(method, names)(*values)


def joined(state: State, kept: Kept) -> Any:
    """Return a method's state together with what its policy keeps."""
    return joined_type(type(state), tuple(kept))(*_values(state), *kept.values())


def separated(state: Any) -> tuple[Any, Kept]:
    """Return a method's own state, and what its policy keeps."""
    (method, names), values = state.parts, _values(state)
    own = len(values) - len(names)
    return method(*values[:own]), dict(zip(names, values[own:], strict=True))
