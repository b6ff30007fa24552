"""The data sets that scikit-learn bundles; nothing is downloaded."""

from __future__ import annotations

from functools import partial
from typing import Any

from sofim_ref.arrays.validation import one_of
from sofim_ref.datasets.dataset import Dataset, Source


def _bundled(loader: str) -> tuple[Any, Any]:
    import sklearn.datasets

    features, targets = getattr(sklearn.datasets, loader)(return_X_y=True)
    return features, targets


DATASETS = {
    name: Source(name, title, partial(_bundled, f"load_{name.replace('-', '_')}"))
    for name, title in {
        "breast-cancer": "Breast cancer: malignant or benign",
        "digits": "Handwritten digits, 8 × 8 pixels",
        "wine": "Wines of three growers",
        "iris": "Iris flowers of three species",
        "diabetes": "Diabetes: progression after a year",
        "linnerud": "Linnerud: three exercises, three measures",
    }.items()
}
"""From a data set's name to its source."""


def load(name: str, **settings: Any) -> Dataset:
    """Load a data set that scikit-learn bundles, split it, standardize it, and put it on a backend.

    Parameters
    ----------
    name : str
        One of `DATASETS`.
    **settings
        ``test_share``, ``seed``, ``l2``, ``backend`` and ``dtype``, as in `Source.split`.

    Returns
    -------
    Dataset

    Raises
    ------
    TypeError, ValueError
        If there is no such data set, or as `Source.split` does.

    Examples
    --------
    >>> iris = load("iris")
    >>> iris.train.size, iris.test.size, iris.train.dim
    (120, 30, 15)
    """
    one_of("dataset", name, DATASETS)
    return DATASETS[name].split(**settings)
