"""What a curvature matrix made of layers is on parameters that no layer covers."""

from __future__ import annotations

from typing import Literal

from sofim_ref.arrays.validation import one_of
from sofim_ref.problems.oracle import Oracle

Uncovered = Literal["refuse", "diagonal", "identity"]
"""What C is on parameters that no layer covers."""

UNCOVERED = ("refuse", "diagonal", "identity")


def check_uncovered(oracle: Oracle, uncovered: Uncovered, *, diagonal: str = "the Fisher matrix's diagonal") -> None:
    """Refuse parameters that no layer covers, by name, unless it is said what C is to be there.

    `diagonal` names what the method's own diagonal is.
    """
    one_of("uncovered", uncovered, UNCOVERED)
    if uncovered == "refuse" and oracle.uncovered and "layer_statistics_of" in oracle.offers:
        names = [block.name for block in oracle.uncovered]
        shown = ", ".join(names[:4]) + f" and {len(names) - 4} more" * (len(names) > 4)
        msg = (
            f'no layer covers the parameters {shown}: uncovered="diagonal" takes {diagonal} there, '
            f'uncovered="identity" takes C = I, so plain gradient steps; got uncovered="refuse".'
        )
        raise ValueError(msg)
