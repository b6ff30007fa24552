"""Real data: the sets that scikit-learn brings along, standardized and split; nothing is downloaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sofim_ref.arrays import Backend, open_backend
from sofim_ref.arrays.validation import count, one_of
from sofim_ref.problems import FiniteSum, LeastSquares, LogisticRegression, SoftmaxRegression


@dataclass(frozen=True)
class Source:
    """Where a data set comes from and what is fitted to it.

    Parameters
    ----------
    loader : str
        The function of ``sklearn.datasets``.
    title : str
        What it is about, as a heading says it.
    fit : type
        The problem: `LogisticRegression`, `SoftmaxRegression` or `LeastSquares`.
    """

    loader: str
    title: str
    fit: type[FiniteSum]


DATASETS = {
    "breast-cancer": Source("load_breast_cancer", "Breast cancer: malignant or benign", LogisticRegression),
    "digits": Source("load_digits", "Handwritten digits, 8 × 8 pixels", SoftmaxRegression),
    "wine": Source("load_wine", "Wines of three growers", SoftmaxRegression),
    "iris": Source("load_iris", "Iris flowers of three species", SoftmaxRegression),
    "diabetes": Source("load_diabetes", "Diabetes: progression after a year", LeastSquares),
    "linnerud": Source("load_linnerud", "Linnerud: three exercises, three measures", LeastSquares),
}
"""From a data set's name to its source."""


@dataclass(frozen=True)
class Dataset:
    """A real data set as two problems: one to train on, one held out.

    Parameters
    ----------
    name, title : str
        The name in `DATASETS`, and what it is about.
    train, test : FiniteSum
        The loss over the training rows, and the same loss over the held-out ones.
    """

    name: str
    title: str
    train: FiniteSum = field(repr=False)
    test: FiniteSum = field(repr=False)


def load(
    name: str,
    *,
    l2: float = 1e-3,
    test_share: float = 0.2,
    seed: int = 0,
    backend: Backend | None = None,
    dtype: str | None = None,
) -> Dataset:
    """Load a data set that scikit-learn bundles, split it, standardize it, and put it on a backend.

    Parameters
    ----------
    name : str
        One of `DATASETS`.
    l2 : float
        The weight of l2/2 ‖w‖² in the loss.
    test_share : float
        The share of the rows that are held out, between 0 and 1.
    seed : int
        What the split is drawn from.
    backend : Backend, optional
        Where the data is put, once; NumPy if not given.
    dtype : {"float32", "float64"}, optional
        Of the features; the widest that the backend has if not given.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If there is no such data set, or a number is out of its range.

    Notes
    -----
    Features, and the targets of a regression, are brought to mean 0 and variance 1 with the means and variances of the
    **training** rows; a column that never changes there is left at 0.

    Examples
    --------
    >>> iris = load("iris")
    >>> iris.train.size, iris.test.size, iris.train.dim
    (120, 30, 15)
    """
    one_of("dataset", name, DATASETS)
    count("seed", seed, minimum=0)
    if not 0 < test_share < 1:
        msg = f"test_share must be a number between 0 and 1, got {test_share!r}."
        raise ValueError(msg)
    import sklearn.datasets

    source = DATASETS[name]
    features, targets = getattr(sklearn.datasets, source.loader)(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(features))
    train, test = np.split(order, [round(len(features) * (1 - test_share))])
    features = _standardized(features, train)
    backend = open_backend("numpy") if backend is None else backend
    dtype = list(backend.dtypes())[-1] if dtype is None else dtype
    if source.fit is LeastSquares:
        targets = _standardized(targets, train).astype(dtype)
    placed = [(backend.asarray(features[rows], dtype), backend.asarray(targets[rows])) for rows in (train, test)]
    problem = source.fit(*placed[0], l2=l2)  # type: ignore[call-arg]  # the three named forms take (features, targets)
    return Dataset(name, source.title, problem, problem.on(*placed[1]))


def _standardized(table: np.ndarray[Any, Any], train: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    centred = table - table[train].mean(axis=0)
    spread = centred[train].std(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, np.inf))
