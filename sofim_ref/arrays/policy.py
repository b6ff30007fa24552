"""What stands for a number that is computed anew at each step of a method."""

from __future__ import annotations

__all__ = ["Policy"]


class Policy:
    """A rule that gives a method's ρ or damping at each step, in place of one number for all steps.

    Examples
    --------
    >>> from sofim_ref.optimizers.policies import SquaredGradient
    >>> isinstance(SquaredGradient(1.0), Policy)
    True
    """
