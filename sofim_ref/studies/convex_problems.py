"""Convex problems with one optimum, on real data: what `sofim-ref convergence` knows by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from sofim_ref.datasets import load
from sofim_ref.problems import FiniteSum, LogisticRegression, PoissonRegression


def _from(name: str) -> FiniteSum:
    return load(name, l2=0.05).train


def _counts() -> FiniteSum:
    import sklearn.datasets

    exercises, people = sklearn.datasets.load_linnerud(return_X_y=True)
    people = (people - people.mean(axis=0)) / people.std(axis=0)
    return PoissonRegression(people, exercises[:, 0].astype(np.int64), l2=0.1)


PROBLEMS: dict[str, tuple[str, Callable[[], FiniteSum]]] = {
    "breast-cancer": ("Breast cancer: logistic regression", partial(_from, "breast-cancer")),
    "iris": ("Iris flowers: softmax regression", partial(_from, "iris")),
    "diabetes": ("Diabetes: least squares, a quadratic", partial(_from, "diabetes")),
    "linnerud": ("Linnerud: number of chin-ups, Poisson regression", _counts),
}
"""From a problem's name to a title and what makes it."""


def two_measurements() -> FiniteSum:
    """Return logistic regression of two measurements of the breast-cancer data: two parameters, to be drawn."""
    whole = load("breast-cancer").train
    return LogisticRegression(whole.features[:, :2], whole.targets, l2=0.01, intercept=False)
