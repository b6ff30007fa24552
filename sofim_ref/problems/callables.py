"""The functions that a loss is given as, and what they are called with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from sofim_ref.arrays.validation import shown

_TAKES = {
    "value": ("w",),
    "gradient": ("w",),
    "hvp": ("w", "v"),
    "hessian": ("w",),
    "per_example_gradients": ("w",),
}


def check_callables(given: Mapping[str, Any], *, rows: bool, optional: tuple[str, ...] = ()) -> None:
    """Refuse what can't be called, or can't be called with what a loss with or without examples passes.

    Parameters
    ----------
    given : mapping
        From an argument's name to the function.
    rows : bool
        Whether the functions get, last, the numbers of the batch's rows.
    optional : tuple of str
        The arguments that may be None.

    Raises
    ------
    TypeError
        If one is not callable, or its signature doesn't take that many arguments; a function that shows no signature
        is taken as it is.
    """
    for argument, function in given.items():
        if function is None and argument in optional:
            continue
        if not callable(function):
            msg = f"{argument} must be callable, got {shown(function)}."
            raise TypeError(msg)
        takes = _TAKES[argument] + ("rows",) * rows
        try:
            inspect.signature(function).bind(*takes)
        except ValueError:
            continue
        except TypeError as error:
            with_rows = "with size=N" if rows else "without size=N, which brings the rows of a batch"
            msg = f"{argument} must take ({', '.join(takes)}) {with_rows}: {error}."
            raise TypeError(msg) from error
