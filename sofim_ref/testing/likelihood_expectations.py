"""Checks of expectations over targets drawn from a likelihood: score, Fisher identity, likelihood ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace
from sofim_ref.likelihoods import Likelihood
from sofim_ref.testing.likelihood_finding import Host, LikelihoodFinding, curvature_rounding, multiple, on_host

LIMIT = 5.0
"""A mean contradicts its expectation where it is off by more than so many standard errors, twice, with one sign."""

_EXAMPLES, _LARGEST, _NUMBERS = 4, 16_384, 2**21
_EFFECTIVE = 100.0
"""The variance of a mean is trusted where it comes from at least so many draws: (Σx²)²/Σx⁴."""

SCORE, OUTER, HESSIAN, RATIO = "E[∇ℓ] = 0", "E[∇ℓ ∇ℓᵀ] = fisher", "E[∇²ℓ] = fisher", "sample"


@dataclass(frozen=True)
class Mean:
    """The mean of draws beside its expectation, each of shape (P, K); `score` is NaN where too few draws tell."""

    mean: Host
    expected: Host
    score: Host


def draws_of(f: Array) -> int:
    """Return the number of targets drawn for each example."""
    P, C = min(_EXAMPLES, int(f.shape[0])), int(f.shape[1])
    return max(256, min(_LARGEST, _NUMBERS // (P * C * C)))


def expectations(likelihood: Likelihood, f: Array, rng: np.random.Generator) -> Iterator[LikelihoodFinding]:
    """Yield whether each expectation holds at up to four of the examples; f has shape (N, C)."""
    M = draws_of(f)
    chosen = on_host(f)[np.unique(np.linspace(0, f.shape[0] - 1, _EXAMPLES).astype(int))]
    f = from_numpy(chosen, like=f)
    F = on_host(likelihood.fisher(f))
    shift = rng.choice([-1.0, 1.0], chosen.shape) / 2
    size = np.sqrt(np.maximum(np.linalg.norm(F, ord=2, axis=(1, 2)), 1e-300) * chosen.shape[1])
    moved = chosen + shift / np.maximum(size, 0.5)[:, None]
    runs = [_means(likelihood, f, (F, moved), M, rng) for _ in range(2)]
    refuted = {name: _refuted(*(run[name] for run in runs)) for name in runs[0]}
    for name, mean in runs[1].items():
        if refuted[name].any():
            kinked = name == HESSIAN and not any(refuted[other].any() for other in (SCORE, OUTER, RATIO))
            text = _sentence(name, mean, refuted[name], kinked=kinked)
            yield LikelihoodFinding(name, None if kinked else False, text)
        elif np.isnan(mean.score).all():
            text = f"of {M:,} draws too few differ at these outputs to tell whether {name}; take less extreme ones."
            yield LikelihoodFinding(name, None, text)
        else:
            yield LikelihoodFinding(name, holds=True)


def _means(
    likelihood: Likelihood, f: Array, due: tuple[Host, Host], M: int, rng: np.random.Generator
) -> dict[str, Mean]:
    """Return the means over M targets drawn for each of the P outputs; due are their Fisher matrices and outputs f′."""
    (F, moved), (P, C) = due, due[0].shape[:2]
    many, near = (from_numpy(np.repeat(x, M, axis=0), like=f) for x in (on_host(f), moved))
    y = likelihood.sample(many, rng)
    unit = eps(namespace(f), f.dtype)
    g, H = on_host(likelihood.gradient(many, y)), on_host(likelihood.hessian(many, y))
    curvature = curvature_rounding(likelihood, many, y)
    slope = unit * float(np.max(on_host(likelihood.gradient_rounding(many, y))))
    losses = [on_host(likelihood.loss(at, y)).reshape(P, M, 1) for at in (many, near)]
    of_ratio = 64 * unit * max(1.0, *(float(np.max(np.abs(loss))) for loss in losses))
    with np.errstate(all="ignore"):
        ratio = np.exp(losses[0] - losses[1])
    outer, flat = (g[:, :, None] * g[:, None, :]).reshape(P, M, C * C), F.reshape(P, C * C)
    varied: Host = np.any(_effective(on_host(y).reshape(P, M, -1)) >= _EFFECTIVE, axis=1, keepdims=True)
    return {
        SCORE: _mean(g.reshape(P, M, C), np.zeros((P, C)), slope),
        OUTER: _mean(outer, flat, curvature),
        HESSIAN: _mean(H.reshape(P, M, C * C), flat, curvature, varied),
        RATIO: _mean(ratio, np.ones((P, 1)), of_ratio),
    }


def _effective(x: Host) -> Host:
    """Return from how many draws, axis 1, the variance of each number comes: (Σx²)²/Σx⁴ for x around its mean.

    None where x is one number and the rounding of its mean.
    """
    square = (x - x.mean(axis=1, keepdims=True)) ** 2
    fourth = (square**2).sum(axis=1)
    differ = x.max(axis=1) - x.min(axis=1) > 1e-12 * np.abs(x).max(axis=1)
    found: Host = np.divide(square.sum(axis=1) ** 2, fourth, out=np.zeros_like(fourth), where=differ & (fourth > 0))
    return found


def _mean(x: Host, expected: Host, rounding: float, exact: Host | bool = False) -> Mean:
    """Return the mean over axis 1 and by how many standard errors it is off; NaN where too few draws differ.

    What doesn't depend on y at all is told exactly, where y itself was seen to vary. A target with a probability below
    20/M may not be among the draws, and may give a number as large as the largest that any gives: the error allows it.
    """
    mean, M = x.mean(axis=1), x.shape[1]
    with np.errstate(all="ignore"):
        deviation = x.std(axis=1)
        right = np.abs(mean - expected) <= rounding
        trusted = right | (_effective(x) >= _EFFECTIVE) | ((deviation <= rounding) & exact)
        unseen = np.where(exact & (deviation <= rounding), 0, 20 / LIMIT / M * np.abs(x).max())
        score = np.where(right, 0, (mean - expected) / (deviation / math.sqrt(M) + rounding + unseen))
    return Mean(mean, expected, np.where(trusted & np.isfinite(mean), score, math.nan))


def _refuted(one: Mean, other: Mean) -> Host:
    """Return where two independent means contradict their expectation in the same direction."""
    return np.minimum(np.abs(one.score), np.abs(other.score)) * (one.score * other.score > 0) > LIMIT


def _sentence(name: str, found: Mean, wrong: Host, *, kinked: bool) -> str:
    p, k = np.unravel_index(int(np.argmax(np.where(wrong, np.abs(found.score), 0))), wrong.shape)
    mean, expected = found.mean[p, k], found.expected[p, k]
    seen = f"the mean over draws is {mean:.4g} where {expected:.4g} is due"
    within = np.where(np.isnan(found.score), math.inf, LIMIT * np.abs((found.mean - found.expected) / found.score))
    times = multiple(found.mean, found.expected, within) if name in (OUTER, HESSIAN) else ""
    if kinked:
        return f"{name} fails ({seen}), though all else holds: so it is where the loss has a kink, as |f − y| has."
    reason = {
        SCORE: "loss isn't −log p(y | f) up to a term of y alone, or sample draws from another distribution",
        OUTER: "fisher is wrong, or sample draws from another distribution",
        HESSIAN: "fisher or hessian is wrong, or sample draws from another distribution",
        RATIO: "exp(−loss) doesn't sum to one number for all f, or sample draws from another distribution",
    }[name]
    what = "E[p(y | f′) / p(y | f)] = 1" if name == RATIO else name
    return f"{what} fails: {seen}{times}; {reason}."
