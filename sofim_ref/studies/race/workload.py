"""The workloads: real data, what is fitted to it, how long a run is, and the marks that are set before anyone runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, Backend, to_numpy
from sofim_ref.datasets import load
from sofim_ref.problems import FiniteSum, LeastSquares, LogisticRegression, MLPClassifier, MLPRegressor

CRITERIA = ("train loss", "test loss", "score")
"""What is watched during a run, on three targets each. The first two are to fall, the score is to rise."""

ORIGIN = (
    "The targets were fixed beforehand, from runs of SGD, SGD with momentum and SOFIM on other seeds than the race's: "
    "the easy one was passed in the first few epochs, the middle one on the way, the hard one towards the end, and not "
    "with every split or step size"
)
"""Where the workloads' own targets come from, in words."""


@dataclass(frozen=True)
class Workload:
    """What a race is run on.

    Parameters
    ----------
    title : str
        What it is about, as a heading says it.
    dataset : str
        A name in `datasets.DATASETS`.
    fit : callable
        From features and targets to the problem.
    dtype : {"float32", "float64"}
        Of data and parameters.
    batch_size, epochs : int
        The examples in a step, and the budget of every run, unless others are asked for.
    targets : mapping
        From each of `CRITERIA` to its three targets, easy to hard, unless others are asked for.
    reconstructs : bool
        Whether the features themselves are what is to be predicted.
    """

    title: str
    dataset: str
    fit: Callable[[Array, Array], FiniteSum]
    dtype: str
    batch_size: int
    epochs: int
    targets: Mapping[str, tuple[float, float, float]]
    reconstructs: bool = False

    @property
    def classifies(self) -> bool:
        """Whether the score is a share of right classes."""
        return self._form in (LogisticRegression, MLPClassifier)

    @property
    def score_name(self) -> str:
        """What the score is called: accuracy, or R² where numbers are predicted."""
        return "accuracy" if self.classifies else "R²"

    @property
    def score_meaning(self) -> str:
        """What the score is, in a clause."""
        if self.classifies:
            return "accuracy is the share of held-out rows whose class is right"
        return "R² is 1 less the held-out squared error over that of the held-out rows' own mean"

    @property
    def description(self) -> str:
        """The problem and its settings, in a few words."""
        settings = ", ".join(f"{name}={value}" for name, value in getattr(self.fit, "keywords", {}).items())
        return f"{self._form.__name__}({settings}) on {self.dataset}, {self.dtype}"

    def lay(self, seed: int, backend: Backend) -> Split:
        """Return training and held-out rows, split by the seed and put on the backend, as problems.

        Raises
        ------
        ValueError
            If the seed is below 0.
        """
        data = load(self.dataset, seed=seed, backend=backend, dtype=self.dtype)
        seen, held_out = (
            (part.features, part.features if self.reconstructs else part.targets) for part in (data.train, data.test)
        )
        train = self.fit(*seen)
        spread = None if self.classifies else _spread(held_out[1])
        return Split(train, train.on(*held_out), spread)

    @property
    def _form(self) -> Any:
        return getattr(self.fit, "func", self.fit)


@dataclass(frozen=True)
class Split:
    """A workload as one seed splits it.

    Parameters
    ----------
    train, test : FiniteSum
        The loss over the training rows, and the same loss, l2 term included, over the held-out ones.
    spread : float or None
        The mean squared distance of held-out targets from their mean; None for classes.
    """

    train: FiniteSum
    test: FiniteSum
    spread: float | None

    def test_loss(self, w: Array) -> float:
        """Return the loss of w, shape (d,), on the held-out rows."""
        return float(self.test.oracle(w).value())

    def score(self, w: Array) -> float:
        """Return accuracy or R² of w, shape (d,), on the held-out rows."""
        return 1 - float(self.test.error(w)) / (1.0 if self.spread is None else self.spread)


def _spread(targets: Array) -> float:
    host = to_numpy(targets).astype(np.float64)
    return float(np.mean(np.sum((host - host.mean(axis=0)).reshape(len(host), -1) ** 2, axis=1)))


WORKLOADS = {
    "breast-cancer": Workload(
        "Breast cancer: malignant or benign",
        "breast-cancer",
        partial(LogisticRegression, l2=1e-3),
        "float64",
        batch_size=32,
        epochs=20,
        targets={"train loss": (0.1, 0.08, 0.068), "test loss": (0.15, 0.1, 0.07), "score": (0.94, 0.96, 0.98)},
    ),
    "diabetes": Workload(
        "Diabetes: progression after a year",
        "diabetes",
        partial(LeastSquares, l2=1e-3),
        "float64",
        batch_size=32,
        epochs=20,
        targets={"train loss": (0.3, 0.25, 0.24), "test loss": (0.35, 0.3, 0.26), "score": (0.3, 0.4, 0.45)},
    ),
    "digits-mlp": Workload(
        "Handwritten digits, told apart by a multilayer perceptron",
        "digits",
        partial(MLPClassifier, hidden=(64,), activation="tanh", l2=1e-4),
        "float32",
        batch_size=64,
        epochs=30,
        targets={"train loss": (0.2, 0.05, 0.02), "test loss": (0.2, 0.13, 0.1), "score": (0.95, 0.965, 0.975)},
    ),
    "digits-autoencoder": Workload(
        "Handwritten digits, passed through eight numbers and drawn again",
        "digits",
        partial(MLPRegressor, hidden=(32, 8, 32), activation="tanh", l2=1e-5),
        "float32",
        batch_size=64,
        epochs=40,
        targets={"train loss": (18.0, 14.0, 11.0), "test loss": (18.0, 14.0, 11.0), "score": (0.4, 0.5, 0.6)},
        reconstructs=True,
    ),
}
"""From a workload's name to what it is."""
