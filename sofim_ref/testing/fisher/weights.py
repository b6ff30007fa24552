"""A Fisher matrix with a weight of its own on each example: weighted or clipped losses, examples left out."""

from __future__ import annotations

import numpy as np

from sofim_ref.likelihoods import Bernoulli, Poisson
from sofim_ref.testing.fisher.candidates import OutputCandidate
from sofim_ref.testing.fisher.facts import Facts, likelihood_of
from sofim_ref.testing.fisher.fit import TIMES
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.match import Search
from sofim_ref.testing.fisher.verdict import FisherVerdict

FEW = 6
"""The largest number of different weights that a sentence lists."""
LARGE = 10_000_000
"""The number of entries of the examples' products beyond which weights aren't sought."""
COARSE = 1e-3
"""The residual beyond which no weights explain a matrix, however coarse its arithmetic."""
LABELS = 20
"""The largest number of counts drawn for each example that are recognized in its weight."""
SPREAD = 1e4
"""The ratio of the largest weight to a middle one beyond which they explain rounding."""
SAMPLED = (
    "This is the empirical Fisher with a weight on each example, or a sampled Fisher: labels drawn from the model give "
    "such weights. Ask with draws=, so that F is called often."
)
NAMES = ("empirical Fisher", "exact Fisher")


def weighted(search: Search, facts: Facts) -> FisherVerdict | None:
    r"""Return the verdict on :math:`\frac1B \sum_n a_n J_n^\top M_n J_n`, its weights a found by least squares.

    Only where the numbers in this library's layout are twice as many as the examples, and determine all weights.
    """
    known = [x for x in search.candidates if isinstance(x, OutputCandidate) and x.name in NAMES and not x.corrections]
    for candidate in sorted(known, key=lambda each: NAMES.index(each.name)):
        B, _, d = candidate.J.shape
        if not 4 <= B <= d or B * d * search.probes.shape[1] > LARGE or search.given.d != d:
            continue
        parts, y = _equations(search, candidate)
        if len(y) < 2 * B:
            continue
        a, _, rank, _ = np.linalg.lstsq(parts, y, rcond=1e-9)
        residual = float(np.linalg.norm(parts @ a - y) / np.linalg.norm(y))
        if (
            rank == B
            and residual <= min(max(1e-9, 1e3 * search.given.eps), COARSE)
            and _plausible(a, parts, y, residual)
        ):
            if _like_labels(a, search, facts):
                return FisherVerdict("weighted", relative_error=residual, notes=(SAMPLED,))
            return FisherVerdict(
                "weighted",
                matrix=candidate.name,
                variant="with a weight on each example",
                part="diagonal" if search.given.form == "diagonal" else "whole",
                layout=search.fitting[0].name,
                relative_error=residual,
                notes=(_sentence(a),),
            )
    return None


def _plausible(a: Host, parts: Host, y: Host, residual: float) -> bool:
    """Return whether weights are none below zero, none enormous, and explain far more than one for all does."""
    largest = float(a.max())
    if a.min() < -COARSE * largest or largest > SPREAD * np.median(a[a > COARSE * largest]):
        return False
    x = parts.sum(axis=1)
    alike = float(np.linalg.norm(y - x * (x @ y) / (x @ x)) / np.linalg.norm(y))
    return residual * TIMES < alike


def _like_labels(a: Host, search: Search, facts: Facts) -> bool:
    """Return whether labels drawn from the model of one output give such weights on the empirical Fisher."""
    if facts.problem.n_outputs != 1 or not facts.offers("output_gradient", "outputs"):
        return False
    likelihood, f, u = likelihood_of(facts), facts.ask("outputs")[:, 0], facts.ask("output_gradient")[:, 0]
    factors = [s for s in search.factors.named.values() if s > 0]
    if isinstance(likelihood, Bernoulli):  # of one label u² is p² or (1 − p)², of several between them
        squares = np.sort([likelihood.probability(f) ** 2, likelihood.probability(-f) ** 2], axis=0)
        low, high = squares[0] * (1 - COARSE), squares[1] * (1 + COARSE)
        return any(bool(np.all((low <= a * u**2 / s) & (a * u**2 / s <= high))) for s in factors)
    if isinstance(likelihood, Poisson):
        draws = [(s * sums, labels) for s in factors for labels in range(1, LABELS + 1) for sums in {1, labels}]
        return any(_of_counts(a * u**2 / s, np.exp(f), labels) for s, labels in draws)
    return len(_different(a)) > FEW  # those of a continuous distribution, or of many labels, are any


def _of_counts(squares: Host, rate: Host, labels: int) -> bool:
    """Return whether each of some numbers is the mean of (rate − y)² over so many counts y.

    It is if the counts' sum k and the sum of their squares q = S·square − S·rate² + 2·rate·k are possible ones.
    """
    k = np.arange(int(labels * (rate + np.sqrt(np.maximum(squares, 0)) + 1).max()) + 1)
    q = labels * (squares - rate**2)[:, None] + 2 * rate[:, None] * k
    whole = np.round(q)
    possible = (np.abs(q - whole) <= COARSE) & (whole * labels >= k**2) & (whole <= k**2) & ((whole - k) % 2 == 0)
    return bool(np.all(possible.any(axis=1)))


def _different(a: Host) -> Host:
    """Return the weights that are different to six digits."""
    return np.unique(np.round(a / np.abs(a).max(), 6))


def _equations(search: Search, candidate: OutputCandidate) -> tuple[Host, Host]:
    """Return each example's share of the numbers that are compared, a column each, and the numbers."""
    given, J, M, B = search.given, candidate.J, candidate.M, candidate.J.shape[0]
    one = [slice(n, n + 1) for n in range(B)]
    if given.form == "diagonal":
        assert given.values is not None
        return np.stack([J.examples(n).diagonal(M[n]) for n in one], axis=1) / B, given.values
    V, shares = search.probes, []
    for n in one:
        example = J.examples(n)
        shares.append(example.adjoint(M[n] @ example.product(V)).ravel())
    return np.stack(shares, axis=1) / B, search.products(V).ravel()


def _sentence(a: Host) -> str:
    """Return which weights there are, and which examples have none."""
    rounded = np.round(a / np.abs(a).max(), 6) * np.abs(a).max() + 0.0  # no −0
    values, counts = np.unique(rounded, return_counts=True)
    absent = np.flatnonzero(rounded == 0.0)
    if len(values) <= min(FEW, len(a) // 2):
        each = ", ".join(f"{v:.4g} ({n} example{'s' * int(n != 1)})" for v, n in zip(values, counts, strict=True))
        text = f"The weights are {each}."
    else:
        text = f"The weights go from {a.min():.3g} to {a.max():.3g}."
    if 0 < len(absent) <= FEW:
        text += f" Left out: example{'s' * (len(absent) != 1)} {', '.join(str(n + 1) for n in absent)} of the batch."
    return text
