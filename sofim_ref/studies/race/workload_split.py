"""The training and the held-out problem that a seed draws, and what is measured on the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.problems import FiniteSum


@dataclass(frozen=True)
class Split:
    """The training and the held-out problem of one seed.

    Parameters
    ----------
    train, test : FiniteSum
        The loss over the training rows, and the same loss, l2 term included, over the held-out ones.
    variance : float or None
        The mean squared distance of the held-out targets from their mean; None for classes.
    """

    train: FiniteSum
    test: FiniteSum
    variance: float | None

    def test_loss(self, w: Array) -> float:
        """Return the loss of w, shape (d,), on the held-out rows."""
        return float(self.test.oracle(w).value())

    def score(self, w: Array) -> float:
        """Return accuracy or R² of w, shape (d,), on the held-out rows."""
        return 1 - float(self.test.error(w)) / (1.0 if self.variance is None else self.variance)


def variance_of(targets: Array) -> float:
    """Return the mean squared distance of targets, shape (N,) or (N, C), from their mean."""
    host = to_numpy(targets).astype(np.float64)
    return float(np.mean(np.sum((host - host.mean(axis=0)).reshape(len(host), -1) ** 2, axis=1)))
