"""Means, deviations and labels of a table, found in one pass and applied to blocks as they are read."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sofim_ref.arrays.validation import a_path, nearest
from sofim_ref.datasets.rows.summary import MOST, Place, Summary
from sofim_ref.datasets.tables import Task, inferred_task, scaled

Targets = Task | Literal["counts"]
"""What targets are: labels that become 0 … C−1, numbers that are standardized, or counts, which stay as they are."""


@dataclass(frozen=True, eq=False)
class Standardization:
    """How a table's columns are brought to mean 0 and variance 1, and its labels to 0 … C−1.

    What `Source.split` does to data in memory. `Table.standardized` makes one of the training rows; given to a table of
    other rows, held-out ones say, it does the same to them.

    Parameters
    ----------
    columns : tuple of str
        The features' names.
    target : str
        The targets' name.
    size : int
        The number of rows that were looked at.
    mean, deviation : array, shape (p,)
        Of the features, in float64. A deviation is 0 where a column never changes: it becomes 0 in all rows.
    labels, counts : array, shape (C,)
        The classes in sorted order, text or numbers, and how many rows each has; empty where targets are numbers.
    target_mean, target_deviation : array, shape () or (C,)
        Of the targets of a regression; empty for classes and for counts.

    Examples
    --------
    >>> import tempfile
    >>> from sofim_ref.datasets import open_rows
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/X.npy", np.asarray([[1.0, 5.0], [3.0, 5.0]]))
    ...     np.save(f"{folder}/y.npy", np.asarray(["ham", "spam"]))
    ...     table = open_rows(f"{folder}/X.npy", target=f"{folder}/y.npy").standardized()
    ...     table.standardization.save(f"{folder}/scale.npz")
    ...     known = Standardization.load(f"{folder}/scale.npz")
    >>> known.labels, known.apply(np.asarray([[5.0, 6.0]]), np.asarray(["ham"]))
    (array(['ham', 'spam'], dtype='<U4'), (array([[3., 0.]]), array([0])))
    """

    columns: tuple[str, ...]
    target: str
    size: int
    mean: np.ndarray[Any, Any]
    deviation: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    counts: np.ndarray[Any, Any]
    target_mean: np.ndarray[Any, Any]
    target_deviation: np.ndarray[Any, Any]

    @classmethod
    def of(cls, found: Summary, place: Place, *, task: Targets | None) -> Standardization:
        """Return that of the rows that a summary is of.

        Raises
        ------
        ValueError
            If the targets can't be classes, or are of one class only.
        """
        none = np.empty(0)
        features = place.columns, place.target, found.features.n, found.features.mean, found.features.deviation
        labels = found.labels
        if task is None:
            task = "regression" if found.targets else "classification"
            task = inferred_task(labels.values) if labels else task
        if task != "classification":
            if found.targets is None:
                msg = f"target {place.target!r} of a regression must be made of numbers, got text."
                raise ValueError(msg)
            if task == "counts":
                return cls(*features, none, none, none, none)
            mean, deviation = found.targets.mean, found.targets.deviation
            return cls(*features, none, none, mean.reshape(found.shape), deviation.reshape(found.shape))
        if labels is None or len(labels.values) < 2:
            number = f"only {labels.values[0]}" if labels else f"more than {MOST:,}, or several a row"
            msg = f"target {place.target!r} must have at least two classes, and one a row, got {number}."
            raise ValueError(msg)
        return cls(*features, labels.values, labels.counts, none, none)

    @property
    def task(self) -> Targets:
        """What the targets are."""
        if self.labels.size:
            return "classification"
        return "regression" if self.target_mean.size else "counts"

    @property
    def representatives(self) -> np.ndarray[Any, Any] | None:
        """Standardized targets such that a likelihood takes all if it takes these; None for counts."""
        if self.task == "counts":
            return None
        if self.labels.size:
            return np.arange(len(self.labels))
        bound = np.where(self.target_deviation > 0, 1.0, 0.0)
        return np.stack([-bound, bound])

    def apply(
        self,
        features: np.ndarray[Any, Any],
        targets: np.ndarray[Any, Any],
        place: Place | None = None,
        *,
        overwrite: bool = False,
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return features, shape (n, p), in their dtype, and targets: classes as integers, counts as they are.

        Parameters
        ----------
        features, targets : array
            On the host.
        place : Place, optional
            Where the rows stand, for messages.
        overwrite : bool
            Whether the features may be overwritten.

        Raises
        ------
        ValueError
            If a target is no known class.
        """
        X = scaled(features, self.mean, self.deviation, out=features if overwrite else np.empty_like(features))
        if self.task == "counts":
            return X, targets
        if not self.labels.size:
            y = np.empty(targets.shape, features.dtype)
            return X, scaled(targets, self.target_mean, self.target_deviation, out=y)
        classes = np.minimum(np.searchsorted(self.labels, targets), len(self.labels) - 1)
        strange = self.labels[classes] != targets
        if strange.any():
            row, known = int(np.argmax(strange)), ", ".join(map(str, self.labels[:24]))
            name, start = (place.name, place.start) if place else ("the table", 0)
            near = nearest(targets[row], self.labels[:1000]) if self.labels.dtype.kind == "U" else ""
            msg = (
                f"{self.target!r} of {name} must be one of the labels standardized with, {known}; "
                f"got {str(targets[row])!r} in row {start + row + 1}.{near}"
            )
            raise ValueError(msg)
        return X, classes

    def save(self, path: str | Path) -> None:
        """Write it into a ``.npz`` file, wholly or not at all.

        Raises
        ------
        TypeError, OSError
            If the path is none, or can't be written.
        """
        path = a_path("path", path)
        half = path.with_name(path.name + ".part")
        with half.open("wb") as file:
            np.savez(file, allow_pickle=False, **{**vars(self), "columns": np.asarray(self.columns, str)})
        os.replace(half, path)  # noqa: PTH105  # what it does is said by its name

    @classmethod
    def load(cls, path: str | Path) -> Standardization:
        """Return what `save` wrote.

        Raises
        ------
        TypeError, OSError
            If the path is none, or can't be read.
        ValueError
            If it is another file.
        """
        path = a_path("path", path)
        try:
            with np.load(path, allow_pickle=False) as file:
                found = {name: file[name] for name in cls.__dataclass_fields__}
        except (ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            msg = f"{path} must be a file that Standardization.save wrote, and isn't: {error}"
            raise ValueError(msg) from None
        columns, target, size = tuple(found["columns"].tolist()), str(found["target"]), int(found["size"])
        return cls(**{**found, "columns": columns, "target": target, "size": size})
