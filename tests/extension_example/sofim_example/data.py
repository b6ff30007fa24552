"""A data set: points of the plane, inside and outside of a circle, and what is fitted to them."""

import numpy as np

from sofim_example.model import Squares
from sofim_ref.arrays import Array
from sofim_ref.datasets import Source
from sofim_ref.likelihoods import Bernoulli
from sofim_ref.problems import FiniteSum


def read() -> tuple[np.ndarray, np.ndarray]:
    """Return features, shape (200, 2), and labels: any reader of a file does as well."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 2))
    radius = np.linalg.norm(points, axis=1) + 0.2 * rng.standard_normal(200)
    return points, np.where(radius < 1.2, "inside", "outside")


def fit(features: Array, targets: Array, l2: float = 1e-3) -> FiniteSum:
    """Return logistic regression on x and x²."""
    return FiniteSum(Squares(inputs=2 * features.shape[1]), Bernoulli(), features, targets, l2)


DATASETS = {"circle": Source("circle", "Inside or outside of a circle", read, fit=fit)}
