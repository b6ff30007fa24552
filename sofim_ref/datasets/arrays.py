"""A data set from arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.datasets.dataset import Dataset, Source
from sofim_ref.datasets.tables import Task


@dataclass(frozen=True, eq=False)
class Rows:
    """A reader of rows that are in memory: a worker of a race is sent them as they are.

    Parameters
    ----------
    features, targets : array
        On the host.
    """

    features: np.ndarray[Any, Any]
    targets: np.ndarray[Any, Any]

    def __call__(self) -> tuple[Any, Any]:
        """Return features and targets."""
        return self.features, self.targets


def from_arrays(
    features: Any, targets: Any, *, name: str = "data", title: str = "", task: Task | None = None, **settings: Any
) -> Dataset:
    """Make a data set of arrays: split them, standardize them, and put them on a backend.

    Parameters
    ----------
    features : array, shape (N, p)
        Numbers: an array of any backend, a list of rows, a data frame.
    targets : array, shape (N,) or (N, C)
        Class labels, text or numbers, or numbers to be predicted.
    name, title : str
        A name for command lines and files, and what the data is about; the name if not given.
    task : {"classification", "regression"}, optional
        As in `Source`: inferred from the targets if not given.
    **settings
        ``test_share``, ``seed``, ``l2``, ``backend`` and ``dtype``, as in `Source.split`.

    Returns
    -------
    Dataset

    Raises
    ------
    TypeError, ValueError
        If features are no table, or as `Source.split` does.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 3))
    >>> from_arrays(X, np.where(X[:, 0] > 0, "spam", "ham"), name="mail").train
    <LogisticRegression: N = 40, d = 4, l2 = 0.001>
    """
    rows = Rows(_on_host(features), _on_host(targets))
    if rows.features.ndim < 2 or 0 in rows.features.shape:
        msg = f"features must be a table, one row an example, got shape {rows.features.shape}."
        raise ValueError(msg)
    return Source(name, title or name, rows, task).split(**settings)


def _on_host(table: Any) -> np.ndarray[Any, Any]:
    return to_numpy(table) if hasattr(table, "__dlpack__") else np.asarray(table)  # else a list, a data frame
