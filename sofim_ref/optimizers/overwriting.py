"""What the base class of all methods does about steps in place: which arrays they overwrite, and when they pay."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.kernels import Kernels, kernels_for
from sofim_ref.problems.oracle import Oracle


class Overwriting:
    """A method whose step may be taken in the memory of w and of the state's arrays."""

    pays_from: ClassVar[int] = 10_000
    """The number of parameters from which on a step in place takes no longer than a plain one on the host."""

    @property
    def has_kernel(self) -> bool:
        """Whether `overwrite` takes the step: a method with a policy takes its plain one."""
        return type(self).overwrite is not Overwriting.overwrite and not self.policies  # type: ignore[attr-defined]

    def overwritten(self, state: Any) -> dict[str, Array]:
        """Return the state's arrays that a step in place overwrites: all of them, unless a method keeps others."""
        return {name: getattr(state, name) for name in state.__dataclass_fields__ if name != "step"}

    def overwrite(self, kernels: Kernels, w: Array, state: Any, oracle: Oracle) -> Any:
        """Take the step in the arrays' own memory, and return the next state; a method without a kernel refuses."""
        msg = f"{self!r} has no kernel; step(…, inplace=True) takes its plain step."
        raise TypeError(msg)

    def kernels_of(self, w: Array, state: Any, oracle: Oracle) -> Kernels | None:
        """Return what takes the step in place; None where a plain one takes less time, or nothing can.

        Raises
        ------
        TypeError, ValueError
            If an array to be overwritten is read-only, or shares memory with another or with the gradient.
        """
        if (type(w) is np.ndarray and w.shape[0] < self.pays_from) or not self.has_kernel:
            return None
        # A method that asks for its gradients elsewhere reads none at w.
        gradient = None if self.asks_elsewhere else oracle.gradient()  # type: ignore[attr-defined]
        return kernels_for(gradient, w=w, **self.overwritten(state))
