"""What `check_fisher` says: the matrix, its factor, its layout and what else it may be, and the sentence of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sofim_ref.arrays import Array

DIAGONALS = ("squared mean gradient", "mean gradient itself", "mean of the gradients' magnitudes")
"""The names that say already that they are a diagonal's."""


FEW = 3
"""The number of names after which a sentence only counts the others."""


@dataclass(frozen=True, eq=False)
class FisherVerdict:
    """Which matrix a user's Fisher is; printed, it says so in sentences.

    Parameters
    ----------
    kind : str
        ``"named"``; ``"about"``, where it agrees to a few digits only; ``"layers"``, where it is right but for some
        layers, see `faults`; ``"tie"``, where several matrices coincide here that differ elsewhere; ``"too little"``,
        where there are too few numbers to tell; ``"weighted"``, where each example has a weight of its own; ``"none"``;
        or what is wrong: ``"zero"``, ``"not symmetric"``, ``"not linear"``, ``"not deterministic"``.
    matrix : str or None
        The matrix's name: ``"exact Fisher"``, ``"Gauss–Newton"``, ``"Hessian"``, ``"empirical Fisher"``, …
    variant : str
        What distinguishes it from others of that name.
    scale : float or None
        The factor by which it was multiplied.
    scale_name : str or None
        The factor's name: ``"1"``, ``"B"``, ``"1/B"``, ``"2"``, …; None where it has none.
    layout : str
        The order of the parameters.
    part : {"whole", "blocks", "diagonal"}
        What of the matrix is kept.
    part_words : str
        Which blocks.
    l2 : bool
        Whether the problem's l2 is in it.
    damping : float
        The multiple of I that is added beyond the l2.
    relative_error : float
        The norm of what isn't explained, relative to the matrix without its damping: the largest of all of it and of
        the blocks of two layers' weights or biases, each relative to its own size.
    alternatives : tuple of str
        The matrices that can't be told from it at this point on this batch.
    transform : str
        What was done to the matrix: ``"inverse"``, ``"Cholesky factor"``, …; empty if nothing was.
    difference : float or None
        How far the exact Fisher is from it, relative to the exact Fisher, scale and damping aside.
    where : str
        The entry at which that difference is largest, in words.
    point, batch : array or None
        Where those that coincide here differ.
    notes : tuple of str
        Sentences that follow.
    reduction : str
        What the factor does to a mean over the batch, in words.
    factor : float or None
        The factor that leaves no more than rounding where the named one leaves more: 1.0001 in place of 1.
    labels : float or None
        With ``draws=``: how many labels were drawn for each example, as the variance has it.
    faults : str
        Which layers are wrong and how, where the others are right.
    p_value : float or None
        With ``draws=``: the probability of a mean as far from the matrix as this one, if it is unbiased.

    Examples
    --------
    >>> print(FisherVerdict("named", matrix="Hessian", scale=1.0, scale_name="1", l2=True))
    This is the Hessian, with the problem's l2.
    """

    kind: str
    matrix: str | None = None
    variant: str = ""
    scale: float | None = None
    scale_name: str | None = None
    layout: str = ""
    part: str = "whole"
    part_words: str = ""
    l2: bool = False
    damping: float = 0.0
    relative_error: float = float("nan")
    alternatives: tuple[str, ...] = ()
    transform: str = ""
    difference: float | None = None
    where: str = ""
    point: Array | None = None
    batch: Array | None = None
    notes: tuple[str, ...] = ()
    reduction: str = ""
    factor: float | None = None
    labels: float | None = None
    p_value: float | None = None
    faults: str = ""

    def propose(self) -> tuple[Array, Array | None]:
        """Return a point and a batch at which the matrices that coincide here differ.

        Raises
        ------
        ValueError
            If there is nothing to tell apart, or nothing that was drawn tells.
        """
        if self.point is None:
            msg = "No point is proposed: " + (
                "nothing is tied." if self.kind != "tie" else "none that was drawn tells."
            )
            raise ValueError(msg)
        return self.point, self.batch

    def __str__(self) -> str:
        """Return the verdict in sentences."""
        return " ".join([self._first(), *self.notes]) if self.matrix else " ".join(self.notes)

    __repr__ = __str__

    def _first(self) -> str:
        """Return the first sentence: which matrix it is, how it was made, and how far the exact Fisher is."""
        what, several = self._what()
        verb = ("These are" if several else "This is") if self.kind != "tie" else "This may be"
        if self.p_value is not None:
            verb = "In the mean " + verb[0].lower() + verb[1:]
        about = self.kind == "about" and self.factor is None
        pieces = [f"{verb}{' about' * about} {what}", self.reduction, *self._shifts()]
        pieces.append(placed(self.layout) if self.layout else "")
        pieces.append(f"but {self.faults}" * bool(self.faults))
        text = ", ".join(piece for piece in pieces if piece)
        if about:
            text += f", to {self.relative_error:.1e}"
        if self.difference is not None:
            text += f"; the exact Fisher differs by {'' if self.where else 'about '}{percent(self.difference)}"
            text += f" (largest at {self.where})" if self.where else ""
        return text + "."

    def _what(self) -> tuple[str, bool]:
        """Return the matrix, its part and what was done to it in words, and whether that is a plural."""
        assert self.matrix is not None
        what, several = words(self.matrix)
        what += f" {self.variant}" if self.variant else ""
        if self.part_words and self.matrix not in DIAGONALS:
            what, several = f"{self.part_words} of {what}", self.part == "blocks"
        return (f"the {self.transform} of {what}", False) if self.transform else (what, several)

    def _shifts(self) -> list[str]:
        """Return what was added to the matrix, in words."""
        found = ["with the problem's l2"] if self.l2 and "l2" not in self.variant else []
        if self.damping and self.variant == "damped in both factors":
            return [*found, f"the product of the two {self.damping:.3g}"]
        return [*found, f"with {self.damping:.3g} I added"] if self.damping else found


def words(matrix: str) -> tuple[str, bool]:
    """Return a matrix's name as a sentence has it, and whether it is a plural."""
    if matrix.startswith(("K-FAC", "EKFAC")):
        method, *rest = matrix.split(", ")
        labels = "for the labels in the data" if "empirical" in rest else "for the model's labels"
        setting = "".join(f" in its {word} setting" for word in rest if word in ("expand", "reduce"))
        wrong = ", ".join(word for word in rest if word not in ("empirical", "expand", "reduce"))
        return f"{method}'s matrix{setting} {labels}{f' ({wrong})' if wrong else ''}", False
    if matrix == "Gauss–Newton":
        return "the Gauss–Newton matrix", False
    return matrix if matrix == "JᵀJ" else f"the {matrix}", matrix.startswith("outer products")


def named_part(matrix: str, part_words: str) -> str:
    """Return a part of a matrix as a sentence has it: "the diagonal of the exact Fisher"."""
    return f"{part_words} of {words(matrix)[0]}" if part_words and matrix not in DIAGONALS else words(matrix)[0]


def some(names: tuple[str, ...]) -> str:
    """Return phrases joined by "or", the first few of many."""
    if len(names) > FEW + 1:
        return f"{', '.join(names[:FEW])} and {len(names) - FEW} more"
    return " or ".join(names)


def placed(layout: str) -> str:
    """Return a layout as a sentence has it."""
    if layout.startswith(("layers", "channels", "with")):  # of Kronecker factors, which aren't flattened
        return f"with the {layout}" if layout.startswith("layers") else f"with {layout.removeprefix('with ')}"
    return f"in {layout}" if "order" in layout else f"of layers flattened {layout}"


def percent(share: float) -> str:
    """Return a relative difference in words, with a no-break space: "31 %", or "1.2e+04 times its norm"."""
    if share >= 10:
        return f"{share:.2g} times its norm"
    return f"{100 * share:{'.0f' if share >= 0.995 else '.2g'}}\N{NO-BREAK SPACE}%"


def reduction(scale: float, name: str | None, sizes: Any, error: float = 1e-6) -> str:
    """Return what a factor does to a mean over the batch, in words; a number to as many digits as its error leaves."""
    B, N, C = sizes.B, sizes.N, sizes.C
    words = {
        "1": "",
        "B": f"summed over the batch of {B} instead of averaged",
        "N": f"times the number of examples, N = {N}",
        "1/B": f"divided by the batch size {B} once more",
        "1/N": f"divided by the number of examples {N} once more",
        "2": "times 2",
        "S": "summed over the labels drawn instead of averaged",
        "C": f"times the number of outputs, C = {C}",
    }
    if name is None:
        return f"times {certain(scale, error)}, a factor without a name"
    if name in words:
        return words[name]
    value = f"{scale:.6g}".replace("-", "−", 1) if scale < 0 else f"{scale:.6g}"
    return f"times {name}" if name == value else f"times {name}, {value}"


def certain(number: float, error: float) -> str:
    """Return a number to the digits that a relative error leaves, six if there are more."""
    return f"{number:.{min(max(math.floor(-math.log10(max(error, 1e-16))), 1), 6)}g}"
