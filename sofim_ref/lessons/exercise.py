"""An exercise: what is asked, with which numbers it is tried, what is right, and what usually goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

Values = Mapping[str, Any]
"""From each argument's name to its value."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that many give.

    Parameters
    ----------
    hint : str
        What is said to who gives it: where to look, not what to write.
    answer : callable
        The wrong answer itself.
    """

    hint: str
    answer: Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """What a student is to write.

    Parameters
    ----------
    name : str
        By which `check` knows it; also the name of the function asked for.
    task : str
        What the function is to return, in a sentence, with its arguments' names.
    arguments : mapping
        From each argument's name, in order, to a strategy for its values: small integers first.
    reference : callable
        What is right.
    mistakes : tuple of Mistake
        At least three that are told apart from the right answer, and from each other.
    """

    name: str
    task: str
    arguments: Mapping[str, st.SearchStrategy[Any]]
    reference: Callable[..., Any]
    mistakes: tuple[Mistake, ...]

    @property
    def cases(self) -> st.SearchStrategy[Values]:
        """A strategy for all arguments at once, in order."""
        return st.tuples(*self.arguments.values()).map(lambda drawn: dict(zip(self.arguments, drawn, strict=True)))


def whole(low: int = -3, high: int = 3) -> st.SearchStrategy[float]:
    """Return whole numbers, as floats."""
    return st.integers(low, high).map(float)


def positive() -> st.SearchStrategy[float]:
    """Return numbers > 0 with which one can reckon."""
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
