"""From the hypotheses that explain a user's numbers to the verdict."""

from __future__ import annotations

import math

import numpy as np

from sofim_ref.arrays import from_numpy
from sofim_ref.testing.fisher.blocks import Blocks
from sofim_ref.testing.fisher.candidates import Candidate
from sofim_ref.testing.fisher.conditioning import condition
from sofim_ref.testing.fisher.factors import FactorMatch
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.faults import faults_of
from sofim_ref.testing.fisher.fit import ACCEPTED, TIMES, Factors, Named
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.layouts import Part
from sofim_ref.testing.fisher.match import Match, Search
from sofim_ref.testing.fisher.ties import Ties, reason, ties
from sofim_ref.testing.fisher.verdict import FisherVerdict, reduction, some, words

FAR = 1e6
"""A condition number beyond which no residual is laid to rounding."""
ENOUGH = 10_000
"""The number of entries among which those that differ are counted."""
SPARE = 3.0
"""The digits by which the numbers that agree must outweigh those that chose among the hypotheses."""


def verdict_of(search: Search, facts: Facts, matches: list[Match], transform: str, hypotheses: int) -> FisherVerdict:
    """Return the verdict of the hypotheses that explain the user's numbers, of which there is one at least."""
    eps = search.given.eps
    judged = {id(match): Blocks.of(match, search, facts, transform) for match in matches}
    fewest = min(int(np.count_nonzero(judged[id(match)].wrong)) for match in matches)
    matches = [match for match in matches if np.count_nonzero(judged[id(match)].wrong) == fewest]
    least = min(judged[id(match)].share for match in matches)
    tied = [match for match in matches if judged[id(match)].share <= max(TIMES * least, 50 * eps)]
    first = min(tied, key=lambda match: match.named.rank)
    blocks = judged[id(first)]
    same = [m for m in tied if m.named.rank == first.named.rank]
    others: dict[Candidate, Match] = {}
    for match in same:
        if match.candidate is not first.candidate:
            others.setdefault(match.candidate, match)
    told = ties(first, list(others.values()), facts, search.seed)
    fit, part, factor = first.named.fit, first.part, first.named.factor
    name = title(first.candidate.name, part.name)
    kind = "tie" if told.accidental else "named" if _to_rounding(first, facts, search) and blocks.rounding else "about"
    kind = "layers" if fewest else kind
    notes = [reason(name, told.equal, facts), _tie(told) * (kind == "tie")]
    if blocks.unseen:
        notes.append(f"Of {' and '.join(blocks.unseen)} nothing can be told: they are lost in F's own rounding.")
    if first.residual <= search.given.accepted and _digits(search, first) < math.log10(hypotheses) + SPARE:
        kind = "too little"
        notes = ["Here are too few numbers to tell it from others with a factor or a shift of their own."]
    if eps > ACCEPTED:
        notes.append(f"F's own numbers are rounded to {eps:.1g}: nothing finer can be told of it.")
    shares = search.factors.others(first.named.scale_name) if first.named.scale_name else ()
    if shares:
        notes.append(f"The factor {first.named.scale_name} is {' and '.join(shares)} here too.")
    difference, where = (None, "") if name == "exact Fisher" or transform else _from_exact(search, facts, first)
    return FisherVerdict(
        kind,
        matrix=name,
        variant=first.candidate.variant,
        scale=fit.scale,
        scale_name=first.named.scale_name,
        layout=first.layout.name,
        part=kept(first.candidate, part, facts),
        part_words=part.words,
        l2=first.candidate.l2 or first.named.shift_name == "l2",
        damping=fit.shift if first.named.shift_name == "damping" else 0.0,
        relative_error=blocks.error,
        faults=faults_of(blocks),
        alternatives=tuple(dict.fromkeys(title(n, part.name) for n in (*told.equal, *told.accidental))),
        transform=transform,
        difference=difference,
        where=where,
        point=None if told.point is None else from_numpy(told.point, like=facts.given_w),
        batch=None if told.batch is None else from_numpy(told.batch, like=facts.given_w),
        notes=tuple(note for note in notes if note),
        factor=factor,
        reduction=_times(first.named, search.factors),
    )


def _times(named: Named, factors: Factors) -> str:
    """Return what the factor does to a mean over the batch, in words."""
    if named.factor is not None:
        digits = math.ceil(-math.log10(abs(named.factor / named.fit.scale - 1))) + 2
        said = "" if named.scale_name == "1" else f" where {named.scale_name} is {named.fit.scale:.6g}"
        return f"times {named.factor:.{digits}g}{said}"
    return reduction(named.fit.scale, named.scale_name, factors, named.fit.residual)


def _to_rounding(match: Match, facts: Facts, search: Search) -> bool:
    """Return whether what isn't explained is rounding: at most 100 eps κ, κ computed where it matters."""
    fit, allowed = match.named.fit, 100 * search.given.eps * match.named.fit.amplification
    if fit.residual <= allowed or fit.residual > FAR * allowed:
        return fit.residual <= allowed
    return fit.residual <= allowed * condition(match, facts, search.seed)


def kept(candidate: Candidate, part: Part, facts: Facts) -> str:
    """Return what of a matrix is kept: blocks where it has no others by its own definition."""
    return "blocks" if part.name == "whole" and candidate.grouped and len(facts.layers) > 1 else part.name


def title(name: str, part: str) -> str:
    """Return a candidate's name for a part of it: the diagonal of ḡḡᵀ has one of its own."""
    return "squared mean gradient" if (name, part) == ("mean-gradient outer product", "diagonal") else name


def _tie(told: Ties) -> str:
    if not told.accidental:
        return ""
    others = some(tuple(words(name)[0] for name in told.accidental))
    where = "propose() returns a point and a batch where they differ" if told.point is not None else "nor elsewhere"
    return f"At this point on this batch it can't be told from {others}: {where}."


def _digits(search: Search, match: Match) -> float:
    """Return how many digits of the numbers a hypothesis explains beyond those that it was fitted to."""
    x = np.abs(search.explained(match)).ravel()[:ENOUGH]
    sizes = x[x > 1e-9 * x.max()] if x.size else x
    distinct = len(np.unique(np.round(np.log(sizes), 6)))
    free = (match.named.scale_name is None) + (match.named.shift_name == "damping")
    return (distinct - free) * min(15.0, -math.log10(max(match.residual, search.given.eps)))


def _from_exact(search: Search, facts: Facts, match: Match) -> tuple[float | None, str]:
    """Return how far the exact Fisher is from what was found, scale and shift aside, and the entry furthest off."""
    exact = next((each for each in search.candidates if each.name == "exact Fisher"), None)
    if exact is None:
        return None, ""
    x, y = search.explained(match), search.explained(match, exact)
    size = float(np.linalg.norm(y))
    off = np.abs(x - y)
    if size == 0:
        return None, ""
    place: Host = np.unravel_index(int(np.argmax(off)), off.shape)  # type: ignore[assignment]  # a tuple of integers
    at = entry_name(facts, *(int(match.layout.index[k]) for k in place))
    return float(np.linalg.norm(off)) / size, "" if search.given.form == "function" else at


def entry_name(facts: Facts, row: int, column: int | None = None) -> str:
    """Return the name of an entry of a matrix, or of its diagonal, in words."""
    first = facts.place(row)
    if column is None or column == row:
        return first
    layer, other = first.partition(", ")[0], facts.place(column)
    return f"{first} with {other.removeprefix(f'{layer}, ')}"


def factor_verdict(matches: list[FactorMatch], facts: Facts, nearest: str = "") -> FisherVerdict:
    """Return the verdict on Kronecker factors: where nothing explains them all, with what is said of the nearest."""
    if not matches:
        return FisherVerdict("none", notes=(nearest or "These are none of K-FAC's factors that are known here.",))
    first = min(matches, key=lambda match: match.residual)
    reading, eps = first.reading, first.reading.eps
    sizes = Factors(facts.B, facts.problem.size, facts.problem.n_outputs)
    scale = float(first.scales[0])
    alike = np.allclose(first.scales, scale, rtol=max(1e-6, eps))
    name, value = sizes.nearest(scale)
    known = alike and abs(scale / value - 1) <= max(5 * first.residual, 1e-6)
    notes = ["Of Kronecker factors only their product's scale can be seen."]
    if reading.swapped:
        notes.append("The pairs are (G, A), not (A, G): their Kronecker product is of parameters in another order.")
    if not alike:
        notes.append(f"The layers' products have different scales: {', '.join(f'{s:.4g}' for s in first.scales)}.")
    if first.dampings.any():
        (a, g), *_ = first.fits
        added = f"{a.shift / a.scale:.3g} I to A and {g.shift / g.scale:.3g} I to G"
        notes.append(f"Of the first layer's factors it adds {added}, if both have their own scale.")
    if first.dampings.any() and not np.allclose(first.dampings, first.dampings[0], rtol=1e-3):
        notes.append(f"Their damping differs: {', '.join(f'{x:.3g}' for x in first.dampings)}.")
    return FisherVerdict(
        "named" if first.residual <= 100 * eps * first.amplification else "about",
        matrix=first.pair.name,
        variant="damped in both factors" * bool(first.dampings.any()),
        scale=value if known else scale if alike else None,
        scale_name=name if known else None,
        layout=", ".join(filter(None, (first.order, reading.order))),
        transform=reading.transform,
        part="blocks" if len(facts.layers) > 1 else "whole",
        damping=float(first.dampings[0]),
        relative_error=first.residual,
        notes=tuple(notes),
        reduction=reduction(scale, name if known else None, sizes) if alike else "",
    )
