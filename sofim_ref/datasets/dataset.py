"""A data set: where its rows come from, and the two problems, training and held-out, that one split makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, get_args

import numpy as np

from sofim_ref.arrays import Array, Backend, open_backend
from sofim_ref.arrays.validation import an_instance, one_of
from sofim_ref.datasets.tables import (
    Task,
    as_classes,
    check_split,
    drawn_rows,
    inferred_task,
    numeric_table,
    standardized,
)
from sofim_ref.problems import FiniteSum, LeastSquares, LogisticRegression, SoftmaxRegression


@dataclass(frozen=True)
class Parts:
    """The rows of a data set in two parts, on a backend.

    Parameters
    ----------
    train, test : tuple of two arrays
        Features and targets of the training rows, and of the held-out ones.
    classes : int
        The number of classes; 0 where numbers are to be predicted.
    """

    train: tuple[Array, Array]
    test: tuple[Array, Array]
    classes: int


@dataclass(frozen=True)
class Draw:
    """What the parts of a data set depend on, besides its rows: see `Source.split`."""

    test_share: float
    seed: int
    backend: Backend
    dtype: str


@dataclass(frozen=True)
class Source:
    """The rows of a data set before they are split, standardized and put on a backend.

    Parameters
    ----------
    name, title : str
        A name for command lines and files, and what the data is about, as a heading says it.
    read : callable
        Takes nothing and returns (features, targets) on the host: a table of numbers, shape (N, p), and class labels
        (text or numbers), shape (N,), or numbers, shape (N,) or (N, C).
    task : {"classification", "regression"}, optional
        If not given, labels that are text or Booleans, and whole numbers with at most 10 different values, are classes;
        other targets are numbers.
    fit : callable, optional
        ``fit(features, targets, l2=…)`` returns the problem: a `FiniteSum`. If not given, `LogisticRegression` for two
        classes, `SoftmaxRegression` for more, `LeastSquares` for numbers.

    Raises
    ------
    ValueError
        If `task` is neither of the two.

    Examples
    --------
    >>> source = Source("line", "A line", lambda: (np.arange(10.0)[:, None], np.arange(10.0) / 3))
    >>> source.split(test_share=0.3).train
    <LeastSquares: N = 7, d = 2, l2 = 0.001>
    """

    name: str
    title: str
    read: Callable[[], tuple[Any, Any]] = field(repr=False)
    task: Task | None = None
    fit: Callable[..., FiniteSum] | None = None

    drawn: ClassVar[bool] = True
    """Whether a seed draws which rows are held out; if not, the publisher has said it."""

    def __post_init__(self) -> None:
        if self.task is not None:
            one_of("task", self.task, get_args(Task))

    def split(
        self,
        *,
        test_share: float = 0.2,
        seed: int = 0,
        l2: float = 1e-3,
        backend: Backend | None = None,
        dtype: str | None = None,
    ) -> Dataset:
        """Split the rows, standardize them, and put them on a backend.

        Parameters
        ----------
        test_share : float
            The share of the rows that are held out, between 0 and 1.
        seed : int
            What the split is drawn from.
        l2 : float
            The weight of l2/2 ‖w‖² in the loss.
        backend : Backend, optional
            Where the data is put, once; NumPy if not given.
        dtype : {"float32", "float64"}, optional
            Of the features; the widest that the backend has if not given.

        Returns
        -------
        Dataset

        Raises
        ------
        TypeError, ValueError
            If a number is out of its range, the rows are no numeric table without gaps, a part of the split would be
            empty, or there is only one class.

        Notes
        -----
        Features, and the targets of a regression, are brought to mean 0 and variance 1 with the means and variances of
        the **training** rows; a column that never changes there is left at 0. Class labels become 0 … C−1 in sorted
        order.
        """
        parts = self.parts(test_share=test_share, seed=seed, backend=backend, dtype=dtype)
        problem = self._problem(parts.classes)(*parts.train, l2=l2)
        return Dataset(self.name, self.title, problem, problem.on(*parts.test), self)

    def parts(
        self, *, test_share: float = 0.2, seed: int = 0, backend: Backend | None = None, dtype: str | None = None
    ) -> Parts:
        """Return the training and the held-out rows as `split` makes them, before they are a problem.

        Parameters
        ----------
        test_share, seed, backend, dtype
            As in `split`, which refuses the same.

        Returns
        -------
        Parts
        """
        backend = open_backend("numpy") if backend is None else backend
        an_instance("backend", backend, Backend, "arrays.open_backend('numpy') opens one")
        check_split(test_share, seed)
        return self._placed(*self.read(), Draw(test_share, seed, backend, dtype or list(backend.dtypes())[-1]))

    def _placed(self, features: Any, targets: Any, draw: Draw) -> Parts:
        """Return the rows that were read, checked, split, standardized and put on the backend."""
        features = numeric_table("features", features)
        task = self.task or inferred_task(np.asarray(targets))
        classes = 0
        if task == "classification":
            targets, classes = as_classes(np.asarray(targets))
        else:
            targets = numeric_table("targets", targets)
        if len(targets) != len(features):
            msg = f"targets must have {len(features)} rows to go with features, got {len(targets)}."
            raise ValueError(msg)
        train, test = drawn_rows(len(features), draw.test_share, draw.seed)
        features = standardized(features, train)
        if task == "regression":
            targets = standardized(targets, train).astype(draw.dtype)
        put = draw.backend.asarray
        placed = [(put(features[rows], draw.dtype), put(targets[rows])) for rows in (train, test)]
        return Parts(placed[0], placed[1], classes)

    def _problem(self, classes: int) -> Callable[..., FiniteSum]:
        if self.fit is not None:
            return self.fit
        if classes > 2:
            return partial(SoftmaxRegression, classes=classes)
        return LogisticRegression if classes else LeastSquares


@dataclass(frozen=True)
class Dataset:
    """A data set as two problems: one to train on, one held out.

    Parameters
    ----------
    name, title : str
        A name for command lines and files, and what the data is about.
    train, test : FiniteSum
        The loss over the training rows, and the same loss over the held-out ones.
    source : Source, optional
        What it was split from; without one it can't be split again.
    """

    name: str
    title: str
    train: FiniteSum = field(repr=False)
    test: FiniteSum = field(repr=False)
    source: Source | None = field(default=None, repr=False)
