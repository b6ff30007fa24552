"""The workloads of a race: real data, the problem fitted to it, a budget, and targets that are set before any run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from sofim_ref.arrays import BACKENDS, Array, Backend, open_backend
from sofim_ref.arrays.validation import an_instance, count, one_of
from sofim_ref.datasets import Dataset, ImageSource, Source
from sofim_ref.likelihoods import Likelihood
from sofim_ref.problems import FiniteSum
from sofim_ref.studies.race.workload_data import called, check_backend, digest, usual_settings
from sofim_ref.studies.race.workload_scoring import Scoring
from sofim_ref.studies.race.workload_split import Split, variance_of


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
    backends : tuple of str
        Those of `arrays.BACKENDS` that the problem takes, the usual one first: ``("torch",)`` for a torch network.
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
    backends: tuple[str, ...] = BACKENDS
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
        for backend in self.backends:
            one_of("backends", backend, BACKENDS)

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
        return cls(**{**usual_settings(dataset), "source": dataset.source, **settings})

    @property
    def needs_folder(self) -> bool:
        """Whether the data is in files of the reader's, and nobody has said where."""
        return isinstance(self.source, ImageSource) and self.source.read.folder is None

    def at(self, folder: str | Path) -> Self:
        """Return the same workload with its data read from a folder of the reader's.

        Raises
        ------
        TypeError
            If its data isn't read from such files.
        """
        if not isinstance(self.source, ImageSource):
            msg = f"{self.name} needs no folder: its data comes with sofim_ref, or from a file that is named otherwise."
            raise TypeError(msg)
        return replace(self, source=self.source.at(folder))

    def check_backend(self, backend: str) -> None:
        """Refuse a backend that the problem doesn't take.

        Raises
        ------
        ImportError
            If it takes torch alone, and torch isn't installed.
        ValueError
            If it isn't one of `backends`.
        """
        check_backend(self.name, self.backends, backend)

    @property
    def description(self) -> str:
        """The problem and its settings, in a few words."""
        return f"{called(self.fit) or self.kind[0]} on {self.source.name}, {self.dtype}"

    @property
    def digest(self) -> str:
        """The first half of the SHA-256 digest of all rows: it tells whether the data is still the same."""
        return digest(self.source.read())

    @cached_property
    def kind(self) -> tuple[str, type[Likelihood]]:
        """The problem that is fitted, in a few words, and the class of its likelihood."""
        problem = self._parts(0, open_backend(self.backends[0]))[0]
        return f"{problem.name}(l2={problem.l2:g})", type(problem.likelihood)

    @cached_property
    def scoring(self) -> Scoring:
        """What the score is, and what losses can be."""
        return Scoring.of(self.kind[1], self.classifies)

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
        return Split(train, test, None if self.scoring.is_accuracy else variance_of(test.targets))

    def _parts(self, seed: int, backend: Backend) -> tuple[FiniteSum, FiniteSum]:
        data = self.source.parts(seed=seed, test_share=self.test_share, backend=backend, dtype=self.dtype)
        seen, held_out = (
            (features, features if self.reconstructs else targets) for features, targets in (data.train, data.test)
        )
        train = self.fit(*seen)
        return train, train.on(*held_out)
