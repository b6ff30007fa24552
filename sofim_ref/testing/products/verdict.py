"""What `check_curvature` says: what a product is, which of its terms are missing, and the sentence of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sofim_ref.testing.products.explanation import NONE, Explanation
from sofim_ref.testing.products.terms import TITLES


@dataclass(frozen=True, eq=False)
class CurvatureVerdict:
    """The result of `check_curvature`; printed, it is a sentence or two.

    Parameters
    ----------
    product : str
        What was checked: "hvp", "ggnvp", "jvp", "vjp" or "per_example_gradients".
    kind : str
        "right"; "inexact", where only the first digits are; "scaled"; "terms", where some are missing, too many or
        scaled; "another", where it is another product; "places", where entries are in another order; "examples", where
        it is right but for one example; "blocks", where it is right but for some layers; "zero", "not finite",
        "not linear", "not deterministic" or "unknown".
    relative_error : float
        ‖returned − exact‖ / ‖exact‖ over the vectors tried.
    place : str
        The first component that departs, in words; empty where none does.
    returned, exact : float
        Its value in the answer, and what it should be.
    explanation : Explanation
        Scale, missing terms, and what it is in the place of what it should be.
    dtype : str
        That of the answer, where it is float16 or bfloat16, by whose eps it is judged; empty elsewhere.
    """

    product: str
    kind: str
    relative_error: float
    place: str = ""
    returned: float = math.nan
    exact: float = math.nan
    explanation: Explanation = NONE
    dtype: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether it is right to rounding; None where only to some digits."""
        return None if self.kind == "inexact" else self.kind == "right"

    @property
    def missing(self) -> tuple[str, ...]:
        """The terms that are absent."""
        return self.explanation.missing

    @property
    def scale_name(self) -> str:
        """The factor's name: "B" where a sum stands for a mean; empty where there is none."""
        return self.explanation.scale_name

    @property
    def found(self) -> str:
        """What it is, where it is something else than what it should be; empty elsewhere."""
        return self.explanation.found

    def __str__(self) -> str:
        """Return the verdict in sentences."""
        title, off = TITLES[self.product], f"{self.relative_error:.2g}"
        if self.kind == "right":
            rounding = f"rounding to {self.dtype}" if self.dtype else "rounding"
            return f"This is {title}: off by {off}, no more than {rounding} explains."
        if self.kind == "inexact":
            digits = math.floor(-math.log10(self.relative_error))
            return (
                f"This is {title} to {digits} digits, off by {off}: a difference quotient, or lower precision inside."
            )
        told = {
            "not finite": "the answer has NaN or infinity in it",
            "not linear": "it isn't linear: f(u + v) is not f(u) + f(v)",
            "not deterministic": "two calls with the same argument give different answers",
            "zero": "it is zero",
        }.get(self.kind) or self.explanation.words
        first = f" First departure, {self.place}: {self.returned:.6g}, exact {self.exact:.6g}." if self.place else ""
        return f"This is not {title}: {told}. The relative error is {off}.{first}"

    __repr__ = __str__
