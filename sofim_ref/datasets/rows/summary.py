"""What one look at some rows finds: moments, labels and how often each comes, and the first number that is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.datasets.columns import missing
from sofim_ref.datasets.rows.moments import Moments

MOST = 65_536
"""Of targets with more different values than this the values aren't kept: they are no labels."""


@dataclass(frozen=True)
class Place:
    """Where rows stand, for messages.

    Parameters
    ----------
    name : str
        The file, or the partition.
    start : int
        The number of rows before the first, there.
    columns : tuple of str
        The features' names.
    target : str
        The targets' name.
    """

    name: str
    start: int
    columns: tuple[str, ...]
    target: str


@dataclass(frozen=True)
class Labels:
    """The different values of targets, and how often each comes.

    Parameters
    ----------
    values : array, shape (C,)
        In sorted order: numbers or text.
    counts : array, shape (C,)
        Integers.
    """

    values: np.ndarray[Any, Any]
    counts: np.ndarray[Any, Any]

    def merged(self, other: Labels) -> Labels | None:
        """Return the values of both, None if there are more than `MOST`."""
        values, place = np.unique(np.concatenate([self.values, other.values]), return_inverse=True)
        counts = np.zeros(len(values), np.int64)
        np.add.at(counts, place, np.concatenate([self.counts, other.counts]))
        return Labels(values, counts) if len(values) <= MOST else None


@dataclass(frozen=True)
class Summary:
    """What one look at some rows finds; those of two sets of rows merge into that of both.

    Parameters
    ----------
    features : Moments
        Of the columns.
    targets : Moments, optional
        Of the targets, where they are numbers.
    labels : Labels, optional
        None where targets have several columns, or more than `MOST` values.
    shape : tuple of int
        Of a row of targets: () or (C,).
    """

    features: Moments
    targets: Moments | None
    labels: Labels | None
    shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, features: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], place: Place) -> Summary:
        """Return what is found in features, shape (n, p), and targets, shape (n,) or (n, C).

        Raises
        ------
        ValueError
            If a number is missing or infinite, or a column's square overflows.
        """
        X = Moments.of(features)
        _check(X, features, place, place.columns)
        numeric = targets.dtype.kind in "biuf"
        table = targets.reshape(len(targets), -1)
        y = Moments.of(table) if numeric else None
        if y is not None:
            _check(y, table, place, [place.target])
        labels = None
        if targets.ndim == 1:
            values, counts = np.unique(targets, return_counts=True)
            labels = Labels(values, counts) if len(values) <= MOST else None
        return cls(X, y, labels, targets.shape[1:])

    def merged(self, other: Summary) -> Summary:
        """Return what is found in both sets of rows."""
        y = self.targets.merged(other.targets) if self.targets and other.targets else None
        labels = self.labels.merged(other.labels) if self.labels and other.labels else None
        return Summary(self.features.merged(other.features), y, labels, self.shape)


def _check(found: Moments, table: np.ndarray[Any, Any], place: Place, columns: Any) -> None:
    if np.all(np.isfinite(found.squares)) and np.all(np.isfinite(found.mean)):
        return
    gaps = np.argwhere(~np.isfinite(table))
    if gaps.size:
        row, column = gaps[0].tolist()
        name = columns[min(column, len(columns) - 1)]
        raise ValueError(missing(place.name, place.start + row + 1, name, table[row, column]))
    column = int(np.argmin(np.isfinite(found.squares)))
    msg = (
        f"column {columns[min(column, len(columns) - 1)]!r} of {place.name} must vary by less than 1e154, whose square "
        "a float64 still holds: divide it by a power of ten."
    )
    raise ValueError(msg)
