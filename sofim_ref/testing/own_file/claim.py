"""What a file says its Fisher matrix is, ``IS = "empirical Fisher, diagonal"``, against what it is found to be."""

from __future__ import annotations

from sofim_ref.testing.fisher import FisherVerdict
from sofim_ref.testing.fisher.verdict import DIAGONALS


def claim_of(verdict: FisherVerdict) -> str:
    """Return the words that say of a matrix what was found: empty if nothing was.

    Parameters
    ----------
    verdict : FisherVerdict

    Examples
    --------
    >>> claim_of(FisherVerdict("named", "empirical Fisher", scale_name="B", part="diagonal"))
    'empirical Fisher, diagonal, sum'
    """
    if verdict.matrix is None:
        return ""
    usual = verdict.part == "whole" or verdict.matrix in DIAGONALS or "KFAC" in verdict.matrix.replace("-", "")
    return ", ".join([verdict.matrix, *([] if usual else [verdict.part]), *_departures(verdict)])


def agrees(claim: str, verdict: FisherVerdict) -> bool:
    """Return whether a claim is true of what was found.

    A claim is the matrix's name, then words after commas. It must say all that makes the matrix another one: a factor
    (``"sum"``, ``"times 2"``), ``"damped"``, ``"inverse"``, a variant. It may say that it is a ``"mean"``, and which
    part of the matrix it is.

    Parameters
    ----------
    claim : str
    verdict : FisherVerdict

    Examples
    --------
    >>> found = FisherVerdict("named", "empirical Fisher", scale_name="1", part="diagonal")
    >>> agrees("empirical Fisher, mean", found), agrees("empirical Fisher, sum", found)
    (True, False)
    """
    if verdict.matrix is None or verdict.kind not in ("named", "tie"):
        return False
    text, due = _plain(claim), {_plain(word) for word in _departures(verdict)}
    allowed = due | {verdict.part} | ({"mean"} if verdict.scale_name == "1" else set())
    for name in map(_plain, (verdict.matrix, *verdict.alternatives)):
        if text == name or text.startswith(f"{name}, "):
            words = {word for word in text[len(name) + 2 :].split(", ") if word}
            return due <= words <= allowed
    return False


def _departures(verdict: FisherVerdict) -> list[str]:
    """Return what makes a matrix another than its name says, a word or two each."""
    scale = {"1": "", "B": "sum", None: f"times {verdict.scale:.6g}" if verdict.scale else ""}
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
