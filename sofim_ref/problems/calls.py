"""The count of what an optimizer asked for."""

from __future__ import annotations


class Calls(dict[str, int]):
    """How many answers of each kind were computed: a dict from a question's name to a number.

    Attributes
    ----------
    gradients : float
        What they cost, in gradients of one example: see `Problem.price`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gradients = 0.0
