"""What is wrong with an optimizer whatever its formula: w unchanged, not finite, not deterministic; steps too small."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sofim_ref.testing.optimizer_cases import OptimizerCase, given_dtype

TENS, CLEAR = 12, 4.0
"""How often a learning rate is taken ten times as large, until w moves by more than so many times what is allowed."""


@dataclass(frozen=True)
class Departure:
    """Why an optimizer departs from its reference.

    Parameters
    ----------
    kind : str
        What sort of departure it is, see `Disagreement`.
    words : str
        What explains it: ``"bias_correction=False"``; empty where nothing that is known does.
    sentence : str
        The same in a sentence.
    """

    kind: str
    words: str
    sentence: str


def resolved(found: OptimizerCase) -> bool:
    """Return whether a step that returns w unchanged would depart, and so, twice as far, one of the wrong sign."""
    off = np.max(np.abs(found.reference.points[1:] - found.reference.points[0]), axis=1)
    return bool(np.any(off > found.allowed))


def unresolved(cases: tuple[OptimizerCase, ...]) -> str:
    """Return why nothing can be told of an optimizer that agrees where w hardly moves, and what would tell."""
    first, lr = cases[0], cases[0].reference.settings["lr"]
    why = "nothing can be told: a step that returns w unchanged would agree too, and one of the wrong sign."
    if first.tolerance is not None:
        return f"tolerance={first.tolerance:g} is more than w moves, and {why} Pass a smaller one, or none."
    use = f"Use settings={{'lr': {_resolving(cases):g}}}, in your step too."
    return f"lr={lr:g} is below {given_dtype(first)}'s resolution here, and {why} {use}"


def _resolving(cases: tuple[OptimizerCase, ...]) -> float:
    """Return a learning rate in place of the cases' own at which a step that returns w unchanged would depart.

    As if the points moved in proportion to it, which they do where gradients don't depend on them.
    """
    lr = now = float(cases[0].reference.settings["lr"])
    for _ in range(TENS):
        lr = float(f"{10 * lr:.6g}")
        for found in cases:
            start = found.reference.points[0]
            far = start + lr / now * (found.reference.points - start)
            moved = replace(found, reference=replace(found.reference, points=far))
            if np.max(np.max(np.abs(far[1:] - start), axis=1) / moved.allowed) > CLEAR:
                return lr
    return lr


def repeated(first: OptimizerCase, again: OptimizerCase) -> Departure | None:
    """Return that a step function isn't deterministic, where a case that is run again has other points."""
    steps = min(first.finite, again.finite)
    apart = np.max(np.abs(first.points[1 : steps + 1] - again.points[1 : steps + 1]), axis=1)
    differing = np.flatnonzero(apart > first.allowed[:steps])
    if not len(differing):
        return None
    text = (
        f"step is not deterministic: from the same arguments it is {apart[differing[0]]:.3g} off in step "
        f"{differing[0] + 1} when case {first.case!r} is run again. Fix its random numbers, and keep what it remembers "
        "in the state that it returns."
    )
    return Departure("not deterministic", "", text)


def unchanged(cases: tuple[OptimizerCase, ...]) -> Departure | None:
    """Return that w comes back as it was given, where it does in every case and nothing departs before that."""
    firsts = [_still(found) for found in cases]
    first = max(firsts)
    for found, own in zip(cases, firsts, strict=True):
        if not own or np.any(np.ptp(found.reference.points[own - 1 : first], axis=0)):
            return None
        if found.step is not None and found.step < first:
            return None
    text = f"w was returned unchanged{f' from step {first} on' * (first > 1)}."
    if cases[0].narrow:
        lr = f"settings={{'lr': {_resolving(cases):g}}}"
        text += f" In {given_dtype(cases[0])} w + Δw is w where Δw is small: {lr} would show whether that is why."
    return Departure("unchanged", "w unchanged", text)


def _still(found: OptimizerCase) -> int:
    """Return the first of the last steps in which w comes back as it was given, though the method moves it; 0 if none.

    Steps that aren't finite, or that raised, aren't such.
    """
    if found.finite < found.steps:
        return 0
    moved = np.flatnonzero(np.any(np.diff(found.points, axis=0) != 0, axis=1))
    first = int(moved[-1]) + 2 if len(moved) else 1
    return first if np.any(np.ptp(found.reference.points[first - 1 :], axis=0)) else 0


def not_finite(cases: tuple[OptimizerCase, ...]) -> Departure | None:
    """Return from which step on w isn't finite, where nothing departs before that."""
    lost = [found for found in cases if found.finite < found.steps]
    if not lost or any(found.step is not None and found.step <= found.finite for found in cases):
        return None
    firsts = {found.finite + 1 for found in lost}
    if len(firsts) == 1 and len(lost) == len(cases):
        return Departure("not finite", "", f"w is {_lost(lost[0])} on{', before that it agrees' * (firsts != {1})}.")
    told = ", ".join(f"{_lost(found)} on in '{found.case}'" for found in lost)
    return Departure("not finite", "", f"w is {told}; up to there it agrees.")


def _lost(found: OptimizerCase) -> str:
    """Return as what w isn't finite, and since when."""
    point = found.points[found.finite + 1]
    return f"{'NaN' if np.isnan(point).any() else 'infinite'} from step {found.finite + 1}"
