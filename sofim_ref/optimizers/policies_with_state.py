"""What policies keep from step to step: beside the method's own state, in one `State`."""

from __future__ import annotations

import copy
import dataclasses
import functools
from abc import abstractmethod
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, cast

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.policy import Policy
from sofim_ref.arrays.validation import ADAPTIVE, positive
from sofim_ref.optimizers.preconditioned import Preconditioned
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

if TYPE_CHECKING:
    from sofim_ref.optimizers.optimizer import Optimizer

__all__ = ["KeepingPolicy", "Kept", "MomentPolicy"]

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
    def value(self, kept: Kept, optimizer: Optimizer[Any], step: int, oracle: Oracle) -> tuple[Kept, Any]:
        """Return what is kept next, and the number > 0 of the step after that many steps of the method."""

    def judged(
        self, kept: Kept, oracle: Oracle, choice: Preconditioned, following: Array, lr: Any
    ) -> tuple[Array, Kept]:
        """Return the point where the step ends, and what is kept after it; unless said otherwise both unchanged."""
        return following, kept


class MomentPolicy(KeepingPolicy):
    """A policy that depends on the method's v, of which it keeps the moment that `Optimizer.averaging` declares."""

    def init(self, w: Array) -> Kept:
        """Return the moment before the first step, zero."""
        return {"moment": namespace(w).zeros_like(w)}

    def vector(self, kept: Kept, optimizer: Optimizer[Any], step: int, oracle: Oracle) -> tuple[Array, Array]:
        """Return the next moment, and v."""
        by, g = optimizer.averaging(step + 1), oracle.gradient()
        moment = by.kept * kept["moment"] + by.added * g
        return moment, by.of_moment * moment + by.of_gradient * g


class _WithPolicy(State):
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
    return dataclasses.make_dataclass(name, fields, bases=(_WithPolicy,), namespace=space, frozen=True)


def _values(state: Any) -> tuple[Any, ...]:
    return tuple(getattr(state, field.name) for field in dataclasses.fields(state))


def _remade(method: type[State], names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return joined_type(method, names)(*values)


def _joined(state: State, kept: Kept) -> Any:
    return joined_type(type(state), tuple(kept))(*_values(state), *kept.values())


def _separated(state: Any) -> tuple[Any, Kept]:
    (method, names), values = state.parts, _values(state)
    own = len(values) - len(names)
    return method(*values[:own]), dict(zip(names, values[own:], strict=True))


def policies_of(optimizer: Optimizer[Any]) -> dict[str, Policy]:
    """Return the policies that stand for ρ or the damping, by the argument's name; refuse one that can't stand there.

    Raises
    ------
    TypeError
        If the method changes what it keeps after a step by its own rule, or two policies have a state.
    """
    from sofim_ref.optimizers.optimizer import Optimizer

    given: dict[str, Any] = {name: getattr(optimizer, name, None) for name in ADAPTIVE}
    found = {name: value for name, value in given.items() if isinstance(value, Policy)}
    for name, policy in found.items():
        if type(optimizer).accept is not Optimizer.accept:
            rule = f"{type(optimizer).__name__} changes what it keeps after a step by a rule of its own"
            msg = f"{name} must be a number, got {policy!r}: {rule}."
            raise TypeError(msg)
    if len([policy for policy in found.values() if isinstance(policy, KeepingPolicy)]) > 1:
        msg = f"only one of {' and '.join(found)} can be a policy with a state, got {found!r}."
        raise TypeError(msg)
    return found


def keeping(optimizer: Optimizer[Any]) -> KeepingPolicy | None:
    """Return the policy of a method that has a state, if there is one."""
    return next((policy for policy in optimizer.policies.values() if isinstance(policy, KeepingPolicy)), None)


def with_kept(init: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method's `init` that begins what its policy keeps, too."""

    @functools.wraps(init)
    def begun(self: Any, w: Array) -> Any:
        state, policy = init(self, w), keeping(self)
        return state if policy is None or isinstance(state, _WithPolicy) else _joined(state, policy.init(w))

    return begun


def with_numbers(precondition: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method's `precondition` that finds the numbers of this step where policies were given."""

    @functools.wraps(precondition)
    def resolved(self: Any, state: Any, oracle: Any) -> Any:
        if not self.policies:
            return precondition(self, state, oracle)
        keeps = keeping(self)
        own, kept = _separated(state) if keeps else (state, {})
        numbers = {}
        for name, policy in self.policies.items():
            if policy is keeps:
                kept, numbers[name] = keeps.value(kept, self, state.step, oracle)
            else:
                numbers[name] = policy.value(state.step, oracle)
            positive(name, numbers[name])
        own, choice = precondition(_with(self, numbers), own, oracle)
        return (_joined(own, kept) if keeps else own), choice

    return resolved


def _with(optimizer: Any, numbers: dict[str, Any]) -> Any:
    """Return a method with numbers in place of its policies; they were checked."""
    optimizer = copy.copy(optimizer)
    for name, value in numbers.items():
        object.__setattr__(optimizer, name, value)
    object.__setattr__(optimizer, "policies", {})
    return optimizer


def judged(
    optimizer: Optimizer[Any], state: Any, oracle: Oracle, choice: Preconditioned, following: Array
) -> tuple[Array, Any]:
    """Return the point where the step ends and the state after it, as the policy with a state says."""
    policy = keeping(optimizer)
    if policy is None or not policy.judges:
        return following, state
    own, kept = _separated(state)
    following, kept = policy.judged(kept, oracle, choice, following, optimizer.rate_at(state.step - 1))
    return following, _joined(own, kept)
