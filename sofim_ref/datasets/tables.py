"""Tables of numbers and labels before they are a problem: checked, standardized, split."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from sofim_ref.arrays.validation import count

Task = Literal["classification", "regression"]
"""What is fitted: class labels, or numbers."""

SLICE = 1_024
"""The number of rows that are computed with in float64 at a time: with 100 columns 0.8 MB, which stays in the cache."""

CLASSES = 10
"""Whole numbers are taken for class labels if there are at most so many different ones."""


def check_split(test_share: float, seed: int) -> None:
    """Refuse a seed that is no integer >= 0, and a share that isn't between 0 and 1."""
    count("seed", seed, minimum=0)
    if not 0 < test_share < 1:
        msg = f"test_share must be a number between 0 and 1, got {test_share!r}."
        raise ValueError(msg)


def drawn_rows(size: int, test_share: float, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the numbers of the training and of the held-out rows that a seed draws.

    Raises
    ------
    ValueError
        If a part would be empty.
    """
    order = np.random.default_rng(seed).permutation(size)
    train, test = np.split(order, [round(size * (1 - test_share))])
    if not (train.size and test.size):
        msg = f"test_share must leave rows in both parts of {size}, got {test_share!r}."
        raise ValueError(msg)
    return train, test


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


def as_classes(labels: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], int]:
    """Return labels as numbers 0 … C−1 in sorted order, and C.

    Raises
    ------
    ValueError
        If there isn't one label a row, or only one class.
    """
    if labels.ndim != 1:
        msg = f"targets must be one label a row, shape (N,), got shape {labels.shape}."
        raise ValueError(msg)
    names, numbers = np.unique(labels.astype(str) if labels.dtype.kind == "O" else labels, return_inverse=True)
    if len(names) < 2:
        msg = f"targets must have at least two classes, got {', '.join(map(str, names)) or 'none'}."
        raise ValueError(msg)
    return numbers, len(names)


def standardized(table: np.ndarray[Any, Any], train: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a table with the columns at mean 0 and variance 1 in the training rows; 0 where they never change."""
    mean = table[train].mean(axis=0)
    return scaled(table, mean, (table[train] - mean).std(axis=0), out=np.empty_like(table))


def scaled(
    table: np.ndarray[Any, Any],
    mean: np.ndarray[Any, Any],
    deviation: np.ndarray[Any, Any],
    *,
    out: np.ndarray[Any, Any],
) -> np.ndarray[Any, Any]:
    """Return (x − mean)/deviation, computed in float64, in `out`, which may be the table; 0 where a deviation is 0."""
    divisor = np.where(deviation > 0, deviation, np.inf)
    x = np.empty((min(SLICE, len(table)), *table.shape[1:]))
    for start in range(0, len(table), SLICE):
        n = min(SLICE, len(table) - start)
        np.copyto(x[:n], table[start : start + n])  # faster than to convert while subtracting
        np.subtract(x[:n], mean, out=x[:n])
        np.divide(x[:n], divisor, out=x[:n])
        np.copyto(out[start : start + n], x[:n], casting="same_kind")
    return out
