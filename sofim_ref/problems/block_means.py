"""Means over blocks of rows in an order that their number and the size of the answer fix; rows joined."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sofim_ref.arrays import namespace
from sofim_ref.models import LayerStatistics

LONG = 1_000_000
"""The number of numbers in an answer beyond which two of them are in memory, not one for each level of a tree."""

_PIECE = 65_536
"""The entries that are multiplied and added at a time, where another array of their number would count."""


def weighted_sum(answers: Iterable[Any], weights: list[float]) -> Any:
    """Return Σ weight · answer, of arrays or of tuples and lists of such; a single answer as it is.

    The sum is a binary tree over the answers: the first half, the second half, their sum. Answers of more than `LONG`
    numbers are added one after another instead, since of a tree as many sums are in memory as it has levels.
    """
    answers = iter(answers)
    first = next(answers)
    if len(weights) == 1:
        return first
    if numbers(first) > LONG:
        total, first = times(weights[0], first), None
        for weight in weights[1:]:
            total = _plus(total, weight, next(answers))
        return total
    terms = (times(weight, answer) for weight, answer in zip(weights, itertools.chain([first], answers), strict=True))
    return _tree(terms, len(weights))


def numbers(answer: Any) -> int:
    """Return how many numbers an answer consists of."""
    if isinstance(answer, tuple | list):
        return sum(numbers(part) for part in answer)
    if isinstance(answer, LayerStatistics):
        return numbers(answer.inputs) + numbers(answer.gradients)
    found = 1
    for n in getattr(answer, "shape", ()):
        found *= int(n)
    return found


def joined(answers: list[Any]) -> Any:
    """Return answers with a row an example as one: arrays, statistics of layers, or tuples of such."""
    first = answers[0]
    if isinstance(first, tuple):
        return tuple(joined(list(parts)) for parts in zip(*answers, strict=True))
    if isinstance(first, LayerStatistics):
        inputs, gradients = [x.inputs for x in answers], [x.gradients for x in answers]
        return LayerStatistics(first.layer, joined(inputs), joined(gradients))
    return namespace(first).concat(answers, axis=0)


def _tree(terms: Iterator[Any], n: int) -> Any:
    if n == 1:
        return next(terms)
    half = (n + 1) // 2
    return added(_tree(terms, half), _tree(terms, n - half))


def times(weight: float, answer: Any) -> Any:
    """Return an array, or each of a tuple or list of arrays, times a number."""
    if isinstance(answer, tuple | list):
        return type(answer)(times(weight, part) for part in answer)
    return weight * answer


def added(a: Any, b: Any) -> Any:
    """Return a + b in the memory of a, a term or a sum of terms that nothing else refers to."""
    if isinstance(a, tuple | list):
        return type(a)(added(x, y) for x, y in zip(a, b, strict=True))
    a += b
    return a


def _plus(total: Any, weight: float, answer: Any) -> Any:
    """Return total + weight · answer in the memory of `total`, a piece at a time."""
    if isinstance(total, tuple | list):
        return type(total)(_plus(x, weight, y) for x, y in zip(total, answer, strict=True))
    if not isinstance(total, np.ndarray) or total.size <= _PIECE:
        total += weight * answer
        return total
    flat, more = total.reshape(-1), answer.reshape(-1)
    for start in range(0, flat.size, _PIECE):
        piece = slice(start, start + _PIECE)
        flat[piece] += weight * more[piece]
    return total
