"""What a user says that a matrix is, ``"empirical Fisher, diagonal, sum"``, against what it is found to be."""

from __future__ import annotations

from sofim_ref.testing.fisher.layouts import NATIVE
from sofim_ref.testing.fisher.verdict import DIAGONALS, FisherVerdict


def claim_of(verdict: FisherVerdict, *, ordered: bool = False) -> str:
    """Return the words that say of a matrix what was found: empty if nothing was.

    Parameters
    ----------
    verdict : FisherVerdict
    ordered : bool
        Whether they say the order of the parameters too, where it isn't this library's.

    Examples
    --------
    >>> claim_of(FisherVerdict("named", "empirical Fisher", scale_name="B", part="diagonal"))
    'empirical Fisher, diagonal, sum'
    """
    if verdict.matrix is None:
        return ""
    return ", ".join([verdict.matrix, *_part(verdict), *_departures(verdict), *(_order(verdict) if ordered else ())])


def agrees(claim: str, verdict: FisherVerdict, *, exactly: bool = False, tolerance: float | None = None) -> bool:
    """Return whether a claim is true of what was found.

    A claim is the matrix's name, then words after commas. It must say all that makes the matrix another one: a factor
    (``"sum"``, ``"times 2"``), ``"damped"``, ``"inverse"``, a variant. It may say that it is a ``"mean"``, and which
    part of the matrix it is, in which order.

    Parameters
    ----------
    claim : str
    verdict : FisherVerdict
    exactly : bool
        Whether it must say the part and the order too, where they aren't the whole matrix in this library's order.
    tolerance : float, optional
        The relative error that is allowed; that of rounding if not given.

    Examples
    --------
    >>> found = FisherVerdict("named", "empirical Fisher", scale_name="1", part="diagonal")
    >>> agrees("empirical Fisher, mean", found), agrees("empirical Fisher, sum", found)
    (True, False)
    >>> agrees("empirical Fisher", found, exactly=True)
    False
    """
    near = verdict.kind == "about" and tolerance is not None
    right = tolerance is None or verdict.relative_error <= tolerance
    if verdict.matrix is None or not (right and (near or verdict.kind in ("named", "tie"))):
        return False
    due = set(map(_plain, _departures(verdict)))
    placed = set(map(_plain, [*_part(verdict), *_order(verdict)]))
    allowed = due | placed | {verdict.part, *verdict.layout.split(", "), *["mean"] * (verdict.scale_name == "1")}
    name = named_in(claim, (verdict.matrix, *verdict.alternatives))
    words = {word for word in _plain(claim)[len(_plain(name)) + 2 :].split(", ") if word}
    return bool(name) and (due | placed if exactly else due) <= words <= allowed


def named_in(claim: str, names: tuple[str, ...]) -> str:
    """Return the longest of some matrices' names that a claim begins with; empty if there is none."""
    found = [name for name in names if (_plain(claim) + ", ").startswith(_plain(name) + ", ")]
    return max(found, key=len, default="")


def _part(verdict: FisherVerdict) -> list[str]:
    """Return the part of the matrix that is kept, where its name doesn't imply it."""
    name = verdict.matrix or ""
    usual = verdict.part == "whole" or name in DIAGONALS or "KFAC" in name.replace("-", "")
    return [] if usual else [verdict.part]


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


def _plain(text: str) -> str:
    """Return a claim's words as they are compared: small letters, one space, hyphens for dashes."""
    return ", ".join(" ".join(word.split()) for word in text.lower().replace("–", "-").split(","))
