"""A data set: where its rows come from, and the two problems, training and held-out, that one split makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from sofim_ref.arrays import Backend, open_backend
from sofim_ref.arrays.validation import an_instance, count, one_of
from sofim_ref.problems import FiniteSum, LeastSquares, LogisticRegression, SoftmaxRegression

Task = Literal["classification", "regression"]
"""What is fitted: class labels, or numbers."""

CLASSES = 10
"""Whole numbers are taken for class labels if there are at most so many different ones."""


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
        count("seed", seed, minimum=0)
        if not 0 < test_share < 1:
            msg = f"test_share must be a number between 0 and 1, got {test_share!r}."
            raise ValueError(msg)
        features, targets = self.read()
        features = numeric_table("features", features)
        task = self.task or inferred_task(np.asarray(targets))
        classes = 0
        if task == "classification":
            targets, classes = _as_classes(np.asarray(targets))
        else:
            targets = numeric_table("targets", targets)
        if len(targets) != len(features):
            msg = f"targets must have {len(features)} rows to go with features, got {len(targets)}."
            raise ValueError(msg)
        order = np.random.default_rng(seed).permutation(len(features))
        train, test = np.split(order, [round(len(features) * (1 - test_share))])
        if not (train.size and test.size):
            msg = f"test_share must leave rows in both parts of {len(features)}, got {test_share!r}."
            raise ValueError(msg)

        features = _standardized(features, train)
        backend = open_backend("numpy") if backend is None else backend
        an_instance("backend", backend, Backend, "arrays.open_backend('numpy') opens one")
        dtype = list(backend.dtypes())[-1] if dtype is None else dtype
        if task == "regression":
            targets = _standardized(targets, train).astype(dtype)
        placed = [(backend.asarray(features[rows], dtype), backend.asarray(targets[rows])) for rows in (train, test)]
        problem = self._problem(classes)(*placed[0], l2=l2)
        return Dataset(self.name, self.title, problem, problem.on(*placed[1]), self)

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


def numeric_table(argument: str, table: Any) -> np.ndarray[Any, Any]:
    """Return a table as float64 on the host; refuse one that has text, gaps or infinities in it, by row and column.

    Raises
    ------
    TypeError
        If it is not made of numbers.
    ValueError
        If a number is missing or infinite; rows and columns are counted from 1.
    """
    numbers = np.asarray(table)
    if numbers.dtype.kind not in "biuf":
        msg = f"{argument} must be numbers, got dtype {numbers.dtype}: replace text by numbers, or leave it out."
        raise TypeError(msg)
    gaps = np.argwhere(~np.isfinite(numbers))
    if gaps.size:
        row, *column = (int(index) + 1 for index in gaps[0])
        where = f"row {row}" + (f", column {column[0]}" if column else "")
        msg = f"{argument} must have no missing or infinite number, got one in {where}: fill it in, or drop the row."
        raise ValueError(msg)
    return numbers.astype(np.float64)


def inferred_task(targets: np.ndarray[Any, Any]) -> Task:
    """Return what targets are: classes if they are text, Booleans or few whole numbers, else numbers.

    Examples
    --------
    >>> inferred_task(np.asarray(["no", "yes"])), inferred_task(np.asarray([0, 2, 1])), inferred_task(np.asarray([0.5]))
    ('classification', 'classification', 'regression')
    """
    if targets.dtype.kind not in "iuf":
        return "classification"
    whole = targets.ndim == 1 and bool(np.all(targets == np.floor(targets)))
    return "classification" if whole and len(np.unique(targets)) <= CLASSES else "regression"


def _as_classes(labels: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], int]:
    if labels.ndim != 1:
        msg = f"targets must be one label a row, shape (N,), got shape {labels.shape}."
        raise ValueError(msg)
    names, numbers = np.unique(labels.astype(str) if labels.dtype.kind == "O" else labels, return_inverse=True)
    if len(names) < 2:
        msg = f"targets must have at least two classes, got {', '.join(map(str, names)) or 'none'}."
        raise ValueError(msg)
    return numbers, len(names)


def _standardized(table: np.ndarray[Any, Any], train: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    centred = table - table[train].mean(axis=0)
    spread = centred[train].std(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, np.inf))
