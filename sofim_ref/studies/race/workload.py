"""The workloads of a race: real data, the problem fitted to it, a budget, and targets that are set before any run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Self

import numpy as np

from sofim_ref.arrays import Array, Backend, open_backend, to_numpy
from sofim_ref.arrays.validation import an_instance, count
from sofim_ref.datasets import DATASETS, Dataset, Source
from sofim_ref.likelihoods import Bernoulli, Categorical, Gaussian, Likelihood
from sofim_ref.problems import FiniteSum, LeastSquares, LogisticRegression, MLPClassifier, MLPRegressor

CRITERIA = ("train loss", "test loss", "score")
"""What is measured during a run, with three targets each. Losses are to fall, the score is to rise."""


@dataclass(frozen=True)
class Workload:
    """What a race is run on; `Workload.of` makes one from a data set.

    Parameters
    ----------
    name : str
        Letters, digits and hyphens.
    title : str
        What it is about, as a heading says it.
    source : Source
        Where the rows come from; each seed splits them anew.
    fit : callable
        From features and targets to the `FiniteSum` to be minimized.
    dtype : {"float32", "float64"}
        Of data and parameters.
    test_share : float
        The share of the rows that are held out.
    batch_size, epochs : int
        The number of examples in a step, and the budget of every run, unless others are asked for.
    targets : mapping
        From each of `CRITERIA` to its three targets, easy to hard; if it is empty, they are taken from a reference run
        (see `suggested_targets`).
    reconstructs : bool
        Whether the features themselves are to be predicted.
    classifies : bool, optional
        Whether the score is an accuracy rather than R²; if not given, it is where the likelihood is Bernoulli or
        categorical.

    Raises
    ------
    TypeError, ValueError
        If the name has other characters, or `source`, `fit` or a number is not of its kind.
    """

    name: str
    title: str
    source: Source
    fit: Callable[[Array, Array], FiniteSum]
    dtype: str = "float64"
    test_share: float = 0.2
    batch_size: int = 32
    epochs: int = 20
    targets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    reconstructs: bool = False
    classifies: bool | None = None

    def __post_init__(self) -> None:
        an_instance("name", self.name, str, "a text is needed")
        if not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", self.name):
            msg = f"name must be letters, digits and hyphens, digits-mlp say, got {self.name!r}."
            raise ValueError(msg)
        if not isinstance(self.source, Source):
            msg = f"source must be a sofim_ref Source, got {self.source!r}; Workload.of(dataset) takes a data set."
            raise TypeError(msg)
        if not callable(self.fit):
            msg = f"fit must be callable, got {self.fit!r}."
            raise TypeError(msg)
        count("batch_size", self.batch_size)
        count("epochs", self.epochs)

    @classmethod
    def of(cls, dataset: Dataset, **settings: Any) -> Self:
        """Return the workload of a data set, whose training and held-out rows each seed draws anew.

        Parameters
        ----------
        dataset : Dataset
            Its training problem says what is fitted, unless ``fit`` is given.
        **settings
            Arguments of `Workload`; name, title, dtype and share of held-out rows are the data set's if not given.

        Returns
        -------
        Workload

        Raises
        ------
        TypeError, ValueError
            As `Workload` does.

        Examples
        --------
        >>> from sofim_ref.datasets import load
        >>> Workload.of(load("iris"), epochs=5).description
        'SoftmaxRegression(l2=0.001) on iris, float64'
        """
        if not isinstance(dataset, Dataset) or dataset.source is None:
            msg = (
                f"dataset must be a Dataset that can be split again by each seed, got {dataset!r}; "
                f"datasets.from_arrays(features, targets) makes one."
            )
            raise TypeError(msg)
        train, test = dataset.train, dataset.test
        usual = {
            "name": "-".join(re.findall(r"[A-Za-z0-9]+", dataset.name)),
            "title": dataset.title,
            "fit": train.on,
            "dtype": str(to_numpy(train.features[:1]).dtype),
            "test_share": test.size / (train.size + test.size),
            "batch_size": min(32, train.size),
        }
        return cls(**{**usual, "source": dataset.source, **settings})

    @property
    def description(self) -> str:
        """The problem and its settings, in a few words."""
        form = getattr(self.fit, "func", self.fit)
        settings = ", ".join(f"{name}={value}" for name, value in getattr(self.fit, "keywords", {}).items())
        problem = f"{form.__name__}({settings})" if isinstance(form, type) else self.kind[0]
        return f"{problem} on {self.source.name}, {self.dtype}"

    @property
    def digest(self) -> str:
        """The first half of the SHA-256 digest of all rows: it tells whether the data is still the same."""
        tables = (np.asarray(table) for table in self.source.read())
        rows = (table.astype(str) if table.dtype.kind == "O" else table for table in tables)
        return hashlib.sha256(b"".join(table.tobytes() for table in rows)).hexdigest()[:32]

    @cached_property
    def kind(self) -> tuple[str, type[Likelihood]]:
        """The problem that is fitted, in a few words, and the class of its likelihood."""
        problem = self._parts(0, open_backend("numpy"))[0]
        return f"{problem.name}(l2={problem.l2:g})", type(problem.likelihood)

    @property
    def scores_accuracy(self) -> bool:
        """Whether the score is an accuracy."""
        return issubclass(self.kind[1], Bernoulli | Categorical) if self.classifies is None else self.classifies

    @property
    def loss_bound(self) -> float:
        """A number that no loss is below: 0 where −log p can't be negative, −∞ where nothing is known."""
        return 0.0 if issubclass(self.kind[1], Bernoulli | Categorical | Gaussian) else -np.inf

    @property
    def score_name(self) -> str:
        """What the score is called: accuracy, or R² where numbers are predicted."""
        return "accuracy" if self.scores_accuracy else "R²"

    @property
    def score_meaning(self) -> str:
        """What the score is, in a clause."""
        if self.scores_accuracy:
            return "accuracy is the share of held-out rows whose class is right"
        return "R² is 1 minus the held-out squared error divided by that of the held-out rows' own mean"

    def split(self, seed: int, backend: Backend) -> Split:
        """Return the training and the held-out problem that a seed draws, on a backend.

        Parameters
        ----------
        seed : int
        backend : Backend

        Returns
        -------
        Split

        Raises
        ------
        ValueError
            If the seed is below 0.
        """
        train, test = self._parts(seed, backend)
        return Split(train, test, None if self.scores_accuracy else _variance(test.targets))

    def _parts(self, seed: int, backend: Backend) -> tuple[FiniteSum, FiniteSum]:
        data = self.source.split(seed=seed, test_share=self.test_share, backend=backend, dtype=self.dtype)
        seen, held_out = (
            (part.features, part.features if self.reconstructs else part.targets) for part in (data.train, data.test)
        )
        train = self.fit(*seen)
        return train, train.on(*held_out)


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


def _variance(targets: Array) -> float:
    host = to_numpy(targets).astype(np.float64)
    return float(np.mean(np.sum((host - host.mean(axis=0)).reshape(len(host), -1) ** 2, axis=1)))


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "breast-cancer",
            "Breast cancer: malignant or benign",
            DATASETS["breast-cancer"],
            partial(LogisticRegression, l2=1e-3),
            targets={"train loss": (0.1, 0.08, 0.068), "test loss": (0.15, 0.1, 0.07), "score": (0.94, 0.96, 0.98)},
        ),
        Workload(
            "diabetes",
            "Diabetes: progression after a year",
            DATASETS["diabetes"],
            partial(LeastSquares, l2=1e-3),
            targets={"train loss": (0.3, 0.25, 0.24), "test loss": (0.35, 0.3, 0.26), "score": (0.3, 0.4, 0.45)},
        ),
        Workload(
            "digits-mlp",
            "Handwritten digits, classified by an MLP",
            DATASETS["digits"],
            partial(MLPClassifier, hidden=(64,), activation="tanh", l2=1e-4),
            "float32",
            batch_size=64,
            epochs=30,
            targets={"train loss": (0.2, 0.05, 0.02), "test loss": (0.2, 0.13, 0.1), "score": (0.95, 0.965, 0.975)},
        ),
        Workload(
            "digits-autoencoder",
            "Handwritten digits, compressed to eight numbers and reconstructed",
            DATASETS["digits"],
            partial(MLPRegressor, hidden=(32, 8, 32), activation="tanh", l2=1e-5),
            "float32",
            batch_size=64,
            epochs=40,
            targets={"train loss": (18.0, 14.0, 11.0), "test loss": (18.0, 14.0, 11.0), "score": (0.4, 0.5, 0.6)},
            reconstructs=True,
        ),
    )
}
"""From a workload's name to the workload. Their targets come from runs of SGD, SGD with momentum and SOFIM."""
