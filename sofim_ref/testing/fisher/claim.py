"""What a user says that a matrix is, ``"empirical Fisher, diagonal, sum"``, against what it is found to be."""

from __future__ import annotations

from sofim_ref.testing.fisher.layouts import NATIVE
from sofim_ref.testing.fisher.verdict import DIAGONALS, FisherVerdict


def claim_of(verdict: FisherVerdict) -> str:
    """Return the words that say of a matrix what was found: empty if nothing was.

    Examples
    --------
    >>> claim_of(FisherVerdict("named", "empirical Fisher", scale_name="B", part="diagonal"))
    'empirical Fisher, diagonal, sum'
    """
    if verdict.matrix is None:
        return ""
    return ", ".join([verdict.matrix, *_due(verdict)])


def agrees(claim: str, verdict: FisherVerdict, *, tolerance: float | None = None, allow_tie: bool = False) -> bool:
    """Return whether a claim is true of what was found.

    A claim is the matrix's name, then words after commas. It must say all that makes F another matrix: a factor
    (``"sum"``, ``"times 2"``), ``"damped"``, ``"inverse"``, a variant, the part that is kept where it isn't the whole,
    the order of the parameters where it isn't this library's or the model's own. It may say that it is a ``"mean"``, or
    ``"whole"``.

    Parameters
    ----------
    claim : str
    verdict : FisherVerdict
    tolerance : float, optional
        The relative error that is allowed; that of rounding if not given.
    allow_tie : bool
        Whether it may be true of a matrix that can't be told from what was found.

    Examples
    --------
    >>> found = FisherVerdict("named", "empirical Fisher", scale_name="1", part="diagonal")
    >>> agrees("empirical Fisher, diagonal, mean", found), agrees("empirical Fisher, sum", found)
    (True, False)
    >>> agrees("empirical Fisher", found)
    False
    """
    near = verdict.kind == "about" and tolerance is not None
    right = tolerance is None or verdict.relative_error <= tolerance
    known = near or verdict.kind == "named" or (verdict.kind == "tie" and allow_tie)
    if verdict.matrix is None or not (right and known):
        return False
    due = set(map(plain, _due(verdict)))
    allowed = due | {verdict.part, *map(plain, verdict.layout.split(", ")), *["mean"] * (verdict.scale_name == "1")}
    name = named_in(claim, (verdict.matrix, *verdict.alternatives))
    words = {word for word in plain(claim)[len(plain(name)) + 2 :].split(", ") if word}
    return bool(name) and due <= words <= allowed


def named_in(claim: str, names: tuple[str, ...]) -> str:
    """Return the longest of some matrices' names that a claim begins with; empty if there is none."""
    found = [name for name in names if (plain(claim) + ", ").startswith(plain(name) + ", ")]
    return max(found, key=len, default="")


def _part(verdict: FisherVerdict) -> list[str]:
    """Return the part of the matrix that is kept, where its name doesn't imply it."""
    name = verdict.matrix or ""
    usual = verdict.part == "whole" or name in DIAGONALS or "KFAC" in name.replace("-", "")
    return [] if usual else [verdict.part]


def _due(verdict: FisherVerdict) -> list[str]:
    """Return the words that a claim must have after the matrix's name."""
    return [*_part(verdict), *_departures(verdict), *_order(verdict)]


def _order(verdict: FisherVerdict) -> list[str]:
    """Return the words for the order of the parameters, where it isn't this library's."""
    return [word for word in verdict.layout.split(", ") if word not in NATIVE]


def _departures(verdict: FisherVerdict) -> list[str]:
    """Return what makes a matrix another than its name says, a word or two each."""
    scale = {"1": "", "B": "sum", None: f"times {verdict.scale:.6g}" if verdict.scale else "scaled layer by layer"}
    words = [
        verdict.transform,
        scale.get(verdict.scale_name, f"times {verdict.scale_name}"),
        "with l2" * verdict.l2,
        "damped" * bool(verdict.damping),
        verdict.variant.replace(", ", " ") if verdict.variant != "damped in both factors" else "",
    ]
    return [word for word in words if word]


def plain(text: str) -> str:
    """Return a claim's words as they are compared: small letters, one space, hyphens for dashes."""
    return ", ".join(" ".join(word.split()) for word in text.lower().replace("–", "-").split(","))
