"""Everything that defines a race: two races with equal settings give equal numbers, seconds apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sofim_ref import __version__
from sofim_ref.arrays import open_backend
from sofim_ref.arrays.validation import count, one_of
from sofim_ref.optimizers import REGISTRY
from sofim_ref.studies.race.claims import claimed_methods
from sofim_ref.studies.race.workload import CRITERIA, WORKLOADS, Split, Workload
from sofim_ref.training.budget import Budget

SCHEMA = 1
"""The version of what is written to disk; a folder of another one is refused."""

MEASURES = 8
"""How often a run is measured in an epoch."""


@dataclass(frozen=True)
class Setting:
    """Who races on what, for how long, to which targets, and what is drawn from which seeds.

    Parameters
    ----------
    workload : str
        A name in `WORKLOADS`.
    methods : tuple of str
        Names in the registry.
    trials, tuning_seeds : int
        How many settings each method is tried with, and on how many seeds each.
    seeds, seed : int
        How many seeds the race has, and the first of them.
    epochs, batch_size : int
        The budget of every run, trials included, and the examples in a step.
    targets : mapping
        From each of `CRITERIA` to its targets, easy to hard.
    backend : str
        One of `arrays.BACKENDS`.

    Raises
    ------
    TypeError, ValueError
        If a name is unknown, a number out of its range, or a criterion's targets aren't three numbers, easy to hard.

    Examples
    --------
    >>> usual_setting("diabetes", methods=["sgd"], quick=True).epochs
    5
    """

    workload: str
    methods: tuple[str, ...]
    trials: int
    tuning_seeds: int
    seeds: int
    seed: int
    epochs: int
    batch_size: int
    targets: Mapping[str, tuple[float, ...]]
    backend: str = "numpy"

    def __post_init__(self) -> None:
        one_of("workload", self.workload, WORKLOADS)
        for name in self.methods:
            one_of("method", name, REGISTRY)
        for argument in ("trials", "tuning_seeds", "seeds", "epochs", "batch_size"):
            count(argument, getattr(self, argument))
        count("seed", self.seed, minimum=0)
        for criterion in CRITERIA:
            _check_targets(criterion, self.targets[criterion])

    @property
    def laid(self) -> Workload:
        """The workload."""
        return WORKLOADS[self.workload]

    @property
    def race_seeds(self) -> tuple[int, ...]:
        """The seeds of the race."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def trial_seeds(self) -> tuple[int, ...]:
        """The seeds of the trials: those that follow a million after the race's, so that no race reaches them."""
        return tuple(range(self.seed + 10**6, self.seed + 10**6 + self.tuning_seeds))

    def split(self, seed: int) -> Split:
        """Return the workload as a seed splits it."""
        return self.laid.lay(seed, open_backend(self.backend))

    def budget(self, split: Split) -> Budget:
        """Return the budget of a run: measured `MEASURES` times an epoch, or after every step if there are fewer.

        Raises
        ------
        ValueError
            If a batch is larger than the training data.
        """
        epoch = Budget(split.train, None, self.epochs, self.batch_size, None).steps_per_epoch
        return Budget(split.train, None, self.epochs, self.batch_size, max(1, round(epoch / MEASURES)))

    def to_json(self) -> dict[str, Any]:
        """Return all that defines the race as what JSON can hold, the workload's and the methods' own part included."""
        return {
            "schema": SCHEMA,
            "sofim_ref": __version__,
            **asdict(self),
            "methods": list(self.methods),
            "targets": {criterion: list(self.targets[criterion]) for criterion in CRITERIA},
            "measures an epoch": MEASURES,
            "problem": self.laid.description,
            "search spaces": {
                name: {parameter: str(where) for parameter, where in REGISTRY[name].space.items()}
                for name in self.methods
            },
        }


def usual_setting(
    workload: str,
    *,
    methods: Sequence[str] | None = None,
    trials: int | None = None,
    tuning_seeds: int | None = None,
    seeds: int | None = None,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    targets: Mapping[str, Sequence[float]] | None = None,
    backend: str = "numpy",
    quick: bool = False,
) -> Setting:
    """Return a race's setting: what isn't given is the workload's own, or a shorter race's if `quick`.

    Parameters
    ----------
    workload : str
        A name in `WORKLOADS`.
    methods : sequence of str, optional
        Those that the papers' claims name, if not given.
    trials, tuning_seeds, seeds, seed, epochs, batch_size, backend
        As in `Setting`.
    targets : mapping, optional
        From some of `CRITERIA` to three targets, easy to hard.
    quick : bool
        Whether trials, seeds and epochs are few unless given.

    Returns
    -------
    Setting

    Raises
    ------
    TypeError, ValueError
        As `Setting` does.
    """
    one_of("workload", workload, WORKLOADS)
    laid = WORKLOADS[workload]
    few = (4, 1, 3, max(1, laid.epochs // 4)) if quick else (16, 2, 5, laid.epochs)
    asked = (trials, tuning_seeds, seeds, epochs)
    trials, tuning_seeds, seeds, epochs = (
        given if given is not None else usual for given, usual in zip(asked, few, strict=True)
    )
    chosen = {criterion: tuple(levels) for criterion, levels in {**laid.targets, **(targets or {})}.items()}
    return Setting(
        workload,
        tuple(claimed_methods() if methods is None else methods),
        trials,
        tuning_seeds,
        seeds,
        seed,
        epochs,
        laid.batch_size if batch_size is None else batch_size,
        chosen,
        backend,
    )


def _check_targets(criterion: str, levels: Sequence[float]) -> None:
    rising = criterion == "score"
    ordered = sorted(set(levels), reverse=not rising)
    if len(levels) != 3 or list(levels) != ordered or not all(map(math.isfinite, levels)):
        order = "rising" if rising else "falling"
        msg = f"targets of {criterion} must be three finite numbers, {order}, got {', '.join(map(str, levels))}."
        raise ValueError(msg)
