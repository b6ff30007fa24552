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
class Large:
    """Arguments of high dimension, on which an answer is allowed little memory.

    A right answer that makes a d × d matrix is refused by it, whichever function makes the matrix; so is one
    that is right for small arguments only.

    Parameters
    ----------
    values : callable
        Takes nothing, and returns the argument names and values.
    memory : int
        The bytes that the answer may hold at one time.
    refusal : str
        What is said of an answer that holds more.
    """

    values: Callable[[], Values]
    memory: int
    refusal: str


@dataclass(frozen=True, eq=False)
class Exercise:
    """A function that a student is asked to write.

    Parameters
    ----------
    task : str
        What the function must return, in Markdown: whole sentences that name its arguments, with the formula in LaTeX.
        It stands above the student's cell.
    arguments : mapping
        For each argument, in order, a Hypothesis strategy for its values: small integers first.
    reference : callable
        The right answer, a function by the exercise's name that needs NumPy alone, as ``np``: the teacher's copy shows
        its source.
    mistakes : tuple of Mistake
        At least three; no two agree with each other, or with the reference, on every argument set.
    large : Large, optional
        Arguments on which the answer is compared once more, and its memory measured.
    """

    task: str
    arguments: Mapping[str, st.SearchStrategy[Any]]
    reference: Callable[..., Any]
    mistakes: tuple[Mistake, ...]
    large: Large | None = None

    @property
    def name(self) -> str:
        """The name of the function, by which `check` finds the exercise."""
        return self.reference.__name__

    @property
    def signature(self) -> str:
        """The function's name and arguments, as in its first line."""
        return f"{self.name}({', '.join(self.arguments)})"

    @property
    def cases(self) -> st.SearchStrategy[Values]:
        """The strategy of all arguments jointly, in order."""
        return st.tuples(*self.arguments.values()).map(lambda drawn: dict(zip(self.arguments, drawn, strict=True)))


def whole(low: int = -3, high: int = 3) -> st.SearchStrategy[float]:
    """Return whole numbers, as floats."""
    return st.integers(low, high).map(float)


def size(*choices: int, key: str) -> st.SearchStrategy[int]:
    """Return one of the numbers, small ones first, and the same one wherever an exercise's arguments have this key."""
    return st.shared(st.sampled_from(choices), key=key)


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


def rows_of(d: int = 2, most: int = 3) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Return one to `most` rows of d small whole numbers."""
    return st.integers(1, most).flatmap(lambda n: table(n, d))


def symmetric(d: int = 2) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Return symmetric matrices of small whole numbers, of either sign."""
    return table(d, d).map(lambda X: np.triu(X) + np.triu(X, 1).T)


def positive_definite(d: int = 2) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Return symmetric positive definite d × d matrices of small whole numbers: diagonal ones first."""
    diagonal = st.lists(st.integers(1, 4), min_size=d, max_size=d)
    signs = [np.zeros(d), np.ones(d), (-1.0) ** np.arange(d)]
    outer = st.sampled_from(signs).map(lambda u: np.outer(u, u))
    return st.tuples(diagonal, outer).map(lambda parts: np.diag(np.asarray(parts[0], dtype=np.float64)) + parts[1])
