"""An exercise: its task, the distribution of its arguments, its reference solution and the usual mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

Values = Mapping[str, Any]
"""Argument names and values, in order."""


@dataclass(frozen=True)
class Mistake:
    """A common wrong answer.

    Parameters
    ----------
    hint : str
        The hint for whoever makes it: where to look, not what to write.
    answer : callable
        A function that makes it.
    """

    hint: str
    answer: Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """A function that a student is asked to write.

    Parameters
    ----------
    name : str
        The name of the function, by which `check` finds the exercise.
    task : str
        What the function must return, in a sentence that names its arguments.
    arguments : mapping
        For each argument, in order, a Hypothesis strategy for its values: small integers first.
    reference : callable
        The right answer.
    mistakes : tuple of Mistake
        At least three; no two agree with each other, or with the reference, on every argument set.
    """

    name: str
    task: str
    arguments: Mapping[str, st.SearchStrategy[Any]]
    reference: Callable[..., Any]
    mistakes: tuple[Mistake, ...]

    @property
    def cases(self) -> st.SearchStrategy[Values]:
        """The strategy of all arguments jointly, in order."""
        return st.tuples(*self.arguments.values()).map(lambda drawn: dict(zip(self.arguments, drawn, strict=True)))


def whole(low: int = -3, high: int = 3) -> st.SearchStrategy[float]:
    """Return whole numbers, as floats."""
    return st.integers(low, high).map(float)


def positive() -> st.SearchStrategy[float]:
    """Return positive numbers that are easy to compute with by hand."""
    return st.sampled_from([1.0, 2.0, 4.0, 0.5])


def share() -> st.SearchStrategy[float]:
    """Return numbers between 0 and 1."""
    return st.sampled_from([0.5, 0.75, 0.9, 0.25])


def vector(d: int = 2) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Return vectors of d small whole numbers."""
    return st.lists(whole(), min_size=d, max_size=d).map(np.asarray)


def table(rows: int, columns: int, low: int = -3, high: int = 3) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Return matrices of small whole numbers."""
    n = rows * columns
    return st.lists(whole(low, high), min_size=n, max_size=n).map(lambda x: np.reshape(np.asarray(x), (rows, columns)))


def some_rows(columns: int = 2, most: int = 3) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Return one to `most` rows of small whole numbers."""
    return st.integers(1, most).flatmap(lambda n: table(n, columns))


def positive_definite() -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Return 2 × 2 matrices, symmetric and positive definite: diagonal ones first."""
    parts = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 1))
    return parts.map(lambda p: np.asarray([[1.0 + p[0] + p[2], p[2]], [p[2], 1.0 + p[1] + p[2]]]))
