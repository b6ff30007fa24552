"""A number with its noun."""

from __future__ import annotations


def counted(number: object, noun: str) -> str:
    """Return a number, or its text, with a noun, in the plural unless it is 1.

    Examples
    --------
    >>> counted(1, "epoch"), counted("1.5", "epoch"), counted(0, "run")
    ('1 epoch', '1.5 epochs', '0 runs')
    """
    return f"{number} {noun}{'s' * (str(number) != '1')}"
