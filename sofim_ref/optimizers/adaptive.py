"""What the base class of all methods does about policies: find each step's numbers, and carry what a policy keeps."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sofim_ref.arrays import Array
from sofim_ref.arrays.policy import Policy
from sofim_ref.arrays.validation import ADAPTIVE, positive
from sofim_ref.optimizers.fit import MISFITS, explained, refuse_misfit
from sofim_ref.optimizers.policies_with_state import KeepingPolicy, WithPolicy, joined, separated
from sofim_ref.optimizers.preconditioned import Preconditioned
from sofim_ref.problems.oracle import Oracle


class Adaptive:
    """A method that takes a policy where it takes ρ or a damping."""

    policies: ClassVar[Mapping[str, Policy]] = {}
    """The policies that stand for ρ or the damping, by the argument's name."""

    keeping: ClassVar[KeepingPolicy | None] = None
    """The one of them that has a state, if there is one."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        for name, wrap in _WRAPPED.items():
            if name in vars(cls):
                setattr(cls, name, wrap(vars(cls)[name]))

    @property
    def judges_steps(self) -> bool:
        """Whether `accept` does anything: by the method's own rule, or by that of a policy."""
        return type(self).accept is not Adaptive.accept or (self.keeping is not None and self.keeping.judges)

    def accept(self, state: Any, oracle: Oracle, choice: Preconditioned, following: Array) -> tuple[Array, Any]:
        """Return the point where the step ends and the state after it, unless the method says otherwise both unchanged.

        One that keeps differences of gradients asks for the gradient there; one that adapts its damping may stay, and
        so may one whose policy does.
        """
        if self.keeping is None or not self.keeping.judges:
            return following, state
        own, kept = separated(state)
        lr = self.rate_at(state.step - 1)  # type: ignore[attr-defined]  # an Optimizer's
        following, kept = self.keeping.judged(kept, oracle, choice, following, lr)
        return following, joined(own, kept)

    def find_policies(self) -> None:
        """Find which arguments are policies; refuse one that can't stand there.

        Raises
        ------
        TypeError
            If the method changes what it keeps after a step by its own rule, or two policies have a state.
        """
        given: dict[str, Any] = {name: getattr(self, name, None) for name in ADAPTIVE}
        policies = {name: value for name, value in given.items() if isinstance(value, Policy)}
        if not policies:
            return
        if type(self).accept is not Adaptive.accept:
            name, policy = next(iter(policies.items()))
            rule = f"{type(self).__name__} changes what it keeps after a step by a rule of its own"
            msg = f"{name} must be a number, got {policy!r}: {rule}."
            raise TypeError(msg)
        keeping = [policy for policy in policies.values() if isinstance(policy, KeepingPolicy)]
        if len(keeping) > 1:
            msg = f"only one of {' and '.join(policies)} can be a policy with a state, got {policies!r}."
            raise TypeError(msg)
        object.__setattr__(self, "policies", policies)
        object.__setattr__(self, "keeping", keeping[0] if keeping else None)

    def with_numbers(self, numbers: dict[str, Any]) -> Any:
        """Return the method with numbers in place of its policies; they were checked."""
        found = copy.copy(self)
        for name, value in {**numbers, "policies": {}, "keeping": None}.items():
            object.__setattr__(found, name, value)
        return found


def _begun(init: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method's `init` that begins what its policy keeps, too."""

    @functools.wraps(init)
    def begun(self: Any, w: Array) -> Any:
        state = init(self, w)
        return state if self.keeping is None or isinstance(state, WithPolicy) else joined(state, self.keeping.init(w))

    return begun


def _resolved(precondition: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method's `precondition` that finds the numbers of this step where policies were given.

    Where it fails, it refuses what doesn't fit.
    """

    @functools.wraps(precondition)
    def resolved(self: Any, state: Any, oracle: Any) -> Any:
        try:
            return by_numbers(self, state, oracle) if self.policies else precondition(self, state, oracle)
        except MISFITS:
            refuse_misfit(self, state, oracle)
            raise

    def by_numbers(self: Any, state: Any, oracle: Any) -> Any:
        keeps = self.keeping
        own, kept = (state, {}) if keeps is None else separated(state)
        numbers = {}
        for name, policy in self.policies.items():
            if policy is keeps:
                kept, numbers[name] = keeps.value(kept, self, state.step, oracle)
            else:
                numbers[name] = policy.value(state.step, oracle)
            positive(name, numbers[name])
        own, choice = precondition(self.with_numbers(numbers), own, oracle)
        return (own if keeps is None else joined(own, kept)), choice

    return resolved


_WRAPPED: dict[str, Callable[..., Any]] = {
    "init": _begun,
    "precondition": _resolved,
    "overwrite": explained,
}
"""What is put around a subclass's methods: checks of what fits, and policies."""
