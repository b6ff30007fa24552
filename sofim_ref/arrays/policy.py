"""What stands for a number that is computed anew at each step of a method."""

from __future__ import annotations

__all__ = ["Policy", "Regularization", "number_of"]


class Policy:
    """A rule that gives a method's ρ or damping at each step, in place of one number for all steps.

    Examples
    --------
    >>> from sofim_ref.optimizers.policies import SquaredGradient
    >>> isinstance(SquaredGradient(1.0), Policy)
    True
    """


Regularization = float | Policy
"""A method's ρ or damping: one number for all steps, or a rule that gives the number of each step."""


def number_of(regularization: Regularization) -> float:
    """Return a ρ or damping as a number, which it always is in `precondition`: policies are asked before each step.

    Parameters
    ----------
    regularization : float or Policy

    Raises
    ------
    TypeError
        If it is a policy: what asks has to be told the number of a step.

    Examples
    --------
    >>> number_of(0.5)
    0.5
    """
    if type(regularization) is not float and isinstance(regularization, Policy):
        msg = f"a number is needed, not a rule for the number of each step, got {regularization!r}."
        raise TypeError(msg)
    return regularization
