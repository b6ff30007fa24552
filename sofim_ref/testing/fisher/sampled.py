"""The verdict on a function whose answers are drawn at random: its expectation, and the labels it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from sofim_ref.testing.fisher.candidates import OutputCandidate
from sofim_ref.testing.fisher.contrasts import Noise, contrast, halves, quantile
from sofim_ref.testing.fisher.draws import Draws
from sofim_ref.testing.fisher.expectation import LEVEL, NEAR, Hypothesis, Sample
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.fit import ACCEPTED
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.output_matrices import of_one_label
from sofim_ref.testing.fisher.report import kept, title
from sofim_ref.testing.fisher.verdict import FisherVerdict, named_part, percent, reduction, some, words


@dataclass(frozen=True, eq=False)
class Decision:
    """What the calls leave of the hypotheses.

    Parameters
    ----------
    first : Hypothesis or None
        The preferred one of those that aren't refuted.
    equal : list of Hypothesis
        Those with the same numbers.
    undecided : tuple of str
        What else the expectation may be, as a sentence says it.
    matrices : tuple of str
        The matrices among those.
    needed : int
        The number of calls that would tell.
    """

    first: Hypothesis | None
    equal: tuple[Hypothesis, ...] = ()
    undecided: tuple[str, ...] = ()
    matrices: tuple[str, ...] = ()
    needed: int = 0


def sampled_verdict(draws: Draws, facts: Facts) -> FisherVerdict:
    """Return the verdict on matrices that are different at each call."""
    n, sample = len(draws.observed), Sample.of(draws)
    if draws.values.size and _one_label(draws, facts):
        text = f"One label is drawn for the whole batch: F has {len(draws.values)} values in {n} calls, each that of a "
        return FisherVerdict("none", notes=(text + "label which all examples share. A sampled Fisher has one each.",))
    decision = _decision(sample, facts)
    first = decision.first
    if first is None:
        text = f"The mean of {n} calls is none of the matrices that are known here: an estimate of none, or biased."
        if temperature := sample.temperature(facts):
            text += f" It is as if labels were drawn from softmax(f/T) with T about {temperature:.2g}."
        return FisherVerdict("none", notes=(text,))
    name = title(first.candidate.name, first.part.name)
    if decision.undecided:
        text = f"Too few draws: of {n} calls the mean may be {some((_phrase(first, draws), *decision.undecided))}. "
        return FisherVerdict(
            "too little",
            scale=first.scale,
            scale_name=first.scale_name,
            layout=first.layout.name,
            part=kept(first.candidate, first.part, facts),
            part_words=first.part.words,
            alternatives=(name, *decision.matrices),
            notes=(f"{text}Call it with draws={decision.needed}.",),
            p_value=first.p_value,
        )
    return _named(first, decision, sample, facts)


def _phrase(first: Hypothesis, draws: Draws) -> str:
    """Return a hypothesis in words, with its part and its factor: "the diagonal of the exact Fisher (times 2)"."""
    name = title(first.candidate.name, first.part.name)
    factor = reduction(first.scale, first.scale_name, draws.search.factors)
    return f"{named_part(name, first.part.words)}{f' ({factor})' * bool(factor)}"


def _decision(sample: Sample, facts: Facts) -> Decision:
    """Return which hypothesis is left when each is compared with all others along the direction of their difference."""
    groups = _alike(sorted(sample.hypotheses, key=lambda each: each.rank))
    observed, n = sample.draws.observed, len(sample.draws.observed)
    groups = [group for group in groups if _unbiased(group[0], sample, facts) >= LEVEL / 2]
    for k, (first, *equal) in enumerate(groups):
        noise = _noise(first, sample.draws, facts)
        rivals = [(_phrase(x, sample.draws), x) for x, *_ in groups[k + 1 :]]
        others = [*sample.alternatives(first, facts), *((phrase, rival.x) for phrase, rival in rivals)]
        limit = quantile(LEVEL / 2 / len(others), n)
        free = sample.draws.identity if first.shift else None
        places = [(name, *contrast(observed, first.x, other, noise, free)) for name, other in others]
        if any(abs(place) > limit * error for _, place, error in places):
            continue
        left = {name: error for name, place, error in places if 1 - place <= limit * error}
        worst = max((error for error in left.values() if np.isfinite(error)), default=1.0)
        needed = max(ceil(n * (2 * limit * worst) ** 2 / 100), 2 * n // 100 + 1) * 100
        matrices = tuple(title(x.candidate.name, x.part.name) for phrase, x in rivals if phrase in left)
        return Decision(first, tuple(equal), tuple(left), matrices, needed)
    return Decision(None)


def _alike(hypotheses: list[Hypothesis]) -> list[list[Hypothesis]]:
    """Return hypotheses in groups of the same numbers; only those of nearly one norm are compared."""
    groups: list[list[Hypothesis]] = []
    near: dict[int, list[list[Hypothesis]]] = {}
    for each in hypotheses:
        size = round(float(np.log(np.linalg.norm(each.x))) / (2 * ACCEPTED))
        known = (group for k in (size, size - 1, size + 1) for group in near.get(k, []))
        alike = next((group for group in known if group[0].equals(each)), None)
        if alike is None:
            groups.append([each])
            near.setdefault(size, []).append(groups[-1])
        else:
            alike.append(each)
    return groups


def _unbiased(first: Hypothesis, sample: Sample, facts: Facts) -> float:
    """Return the p-value of a hypothesis against a bias in any direction."""
    free = sample.draws.identity if first.shift else None
    return halves(sample.draws.observed, first.x, _noise(first, sample.draws, facts), free)


def _noise(first: Hypothesis, draws: Draws, facts: Facts) -> Noise:
    simulated = None
    if first.candidate.name == "exact Fisher":
        simulated = draws.simulated(facts, first.layout, first.part)
    if simulated is None:
        return Noise.independent(draws.observed)
    labels = _labels(first, draws, facts)
    return Noise.simulated(first.scale * simulated, labels**-0.5 if labels else 0.0)


def _one_label(draws: Draws, facts: Facts) -> bool:
    """Return whether each answer is that of a label which all examples share, in some layout, part and factor."""
    return any(_shared(draws.values, X) for X in _of_shared_labels(draws, facts))


def _of_shared_labels(draws: Draws, facts: Facts) -> Iterator[Host]:
    """Yield the numbers of each label in every layout and part, shape (labels, n)."""
    assert facts.J is not None or not of_one_label(facts)
    labels = [OutputCandidate("", facts.J, M) for M in of_one_label(facts)]  # type: ignore[arg-type]  # J is there
    for layout in draws.search.fitting if labels else ():
        for part in draws.parts:
            yield np.stack([draws.numbers(each, layout, part) for each in labels])


def _shared(values: Host, X: Host) -> bool:
    """Return whether every row of some values is a row of X, all with one factor."""
    s = (values @ X.T) / np.sum(X * X, axis=1)
    off = np.linalg.norm(values[:, None] - s[:, :, None] * X, axis=2) / np.linalg.norm(values, axis=1)[:, None]
    label = np.argmin(off, axis=1)
    scales = s[np.arange(len(values)), label]
    return bool(np.all(off.min(axis=1) <= ACCEPTED) and np.ptp(scales) <= ACCEPTED * np.abs(scales).max())


def _labels(first: Hypothesis, draws: Draws, facts: Facts) -> float | None:
    """Return how many labels an example the variance speaks for, None where it is not that of sampled labels."""
    if first.candidate.name != "exact Fisher":
        return None
    simulated = draws.simulated(facts, first.layout, first.part)
    if simulated is None:
        return None
    d = draws.search.given.d if draws.search.given.form != "function" else draws.observed.shape[1]
    one, theirs = np.var(first.scale * simulated[:, :d], axis=0), np.var(draws.observed[:, :d], axis=0, ddof=1)
    known = theirs > 1e-9 * theirs.max()
    ratios = one[known] / theirs[known]
    middle, spread = float(np.median(ratios)), float(np.quantile(ratios, 0.8) / max(np.quantile(ratios, 0.2), 1e-300))
    return middle if spread < 4 and middle > 0.5 else None


def _named(first: Hypothesis, decision: Decision, sample: Sample, facts: Facts) -> FisherVerdict:
    """Return the verdict on an expectation that the calls single out."""
    draws, n, p_value = sample.draws, len(sample.draws.observed), _unbiased(first, sample, facts)
    name, labels = title(first.candidate.name, first.part.name), _labels(first, sample.draws, facts)
    count = round(labels) if labels else 0
    summed = count > 1 and first.scale_name != "1" and abs(first.scale / count - 1) < 0.3
    if first.scale_name is None and not summed:
        text = f"The mean of {n} calls is {words(name)[0]} times {first.scale:.4g}, a factor without a name."
        return FisherVerdict("none", notes=(text,))
    scale_name = "S" if summed else first.scale_name
    error = float(np.linalg.norm(sample.mean - first.x) / np.linalg.norm(first.x))
    seen = float(np.linalg.norm(sample.deviation)) / float(np.linalg.norm(first.x))
    notes = [f"Of {n} calls the mean is unbiased as far as they tell (p = {p_value:.2g})."]

    labelled = " or a temperature of the labels" * (name in ("exact Fisher", "K-FAC") and bool(of_one_label(facts)))
    notes.append(f"A factor{labelled} of {NEAR} would have been seen; a bias below {percent(seen)} would not be seen.")
    if count:
        notes.append(f"Their variance is that of {count} label{'s' * (count != 1)} drawn from the model an example.")
    elif first.candidate.name == "exact Fisher":
        notes.append("Their variance is not that of labels drawn for each example on its own.")
    others = dict.fromkeys(title(x.candidate.name, x.part.name) for x in decision.equal)
    near = min(4 * first.shift_error, 0.2 * first.shift)
    l2 = first.shift > 0 and abs(first.shift - facts.problem.l2) <= near
    return FisherVerdict(
        "named",
        matrix="sampled Fisher" if count else name,
        variant="" if count else "estimated from random numbers",
        scale=first.scale,
        scale_name=scale_name,
        layout=first.layout.name,
        part=kept(first.candidate, first.part, facts),
        part_words=first.part.words,
        l2=l2,
        damping=0.0 if l2 else first.shift,
        relative_error=error,
        alternatives=tuple(other for other in others if other != name),
        notes=tuple(notes),
        reduction=reduction(first.scale, scale_name, draws.search.factors),
        labels=labels,
        p_value=p_value,
    )
