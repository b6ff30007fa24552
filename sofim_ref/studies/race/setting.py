"""Everything that defines a race: two races with equal settings give equal numbers, measured seconds excepted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sofim_ref import __version__
from sofim_ref.arrays import open_backend
from sofim_ref.arrays.parcel import Parcel, distribution_version
from sofim_ref.arrays.validation import count, flag
from sofim_ref.optimizers import Method, OneOf
from sofim_ref.optimizers.policy_tables import as_table
from sofim_ref.studies.race.claims import claimed_methods
from sofim_ref.studies.race.targets import check_targets, suggested_targets
from sofim_ref.studies.race.workload import Workload
from sofim_ref.studies.race.workload_scoring import CRITERIA
from sofim_ref.studies.race.workload_split import Split
from sofim_ref.training.budget import Budget

JSON_TYPES = (str, bool, int, float, type(None))
"""What a hyper-parameter that is searched can be, beside a policy of such parts."""

SCHEMA = 2
"""The version of what is written to disk; a folder of another one is refused."""

MEASUREMENTS = 8
"""How often a run is measured in an epoch."""

NUMBERS = ("trials", "tuning_seeds", "seeds", "seed", "epochs", "batch_size")
"""The fields of a `Setting` that are integers."""


@dataclass(frozen=True)
class Setting:
    """The definition of a race: workload, methods, budget, targets, seeds.

    Parameters
    ----------
    workload : Workload
    methods : tuple of Method
        No two of one name.
    trials, tuning_seeds : int
        How many settings each method is tried with, and on how many seeds each.
    seeds, seed : int
        How many seeds the race has, and the first of them.
    epochs, batch_size : int
        The budget of every run, trials included, and the number of examples in a step.
    targets : mapping
        From each of `CRITERIA` to its targets, easy to hard.
    backend : str
        One of `arrays.BACKENDS`.

    Raises
    ------
    ImportError
        If the workload needs torch, which isn't installed.
    TypeError, ValueError
        If workload or methods are of another type, two methods share a name, a number is out of its range, the workload
        doesn't take the backend, or a criterion's targets aren't three numbers that it can take, easy to hard.

    Examples
    --------
    >>> from sofim_ref.optimizers import REGISTRY
    >>> from sofim_ref.studies.race import WORKLOADS
    >>> usual_setting(WORKLOADS["diabetes"], methods=[REGISTRY["sgd"]], quick=True).epochs
    5
    """

    workload: Workload
    methods: tuple[Method, ...]
    trials: int
    tuning_seeds: int
    seeds: int
    seed: int
    epochs: int
    batch_size: int
    targets: Mapping[str, tuple[float, ...]]
    backend: str = "numpy"

    def __post_init__(self) -> None:
        if not isinstance(self.workload, Workload):
            msg = f"workload must be a Workload, got {self.workload!r}; Workload.of(dataset) makes one."
            raise TypeError(msg)
        for method in self.methods:
            if not isinstance(method, Method):
                msg = f"methods must be Method objects, got {method!r}; Method.of(optimizer) makes one."
                raise TypeError(msg)
            for parameter, where in method.space.items():
                if isinstance(where, OneOf) and not all(map(_fits_a_file, where.values)):
                    msg = (
                        f"the search space of {method.name!r} must be made of numbers, texts, Booleans and policies of "
                        f"such, which a file can hold, got {parameter} in {where}."
                    )
                    raise TypeError(msg)
        self.workload.check_backend(self.backend)
        names = [method.name for method in self.methods]
        for name in names:
            if names.count(name) > 1:
                msg = f"methods must have different names, got {name!r} twice; Method.of(optimizer, label=…) names one."
                raise ValueError(msg)
        for argument in NUMBERS:
            count(argument, getattr(self, argument), minimum=0 if argument == "seed" else 1)
        check_targets(self.workload, self.targets)

    @property
    def race_seeds(self) -> tuple[int, ...]:
        """The seeds of the race."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def trial_seeds(self) -> tuple[int, ...]:
        """The seeds of the trials: those that follow a million after the race's, so that no race reaches them."""
        return tuple(range(self.seed + 10**6, self.seed + 10**6 + self.tuning_seeds))

    def method(self, name: str) -> Method:
        """Return the method of that name."""
        return next(method for method in self.methods if method.name == name)

    def split(self, seed: int) -> Split:
        """Return the training and the held-out problem that a seed draws."""
        return self.workload.split(seed, open_backend(self.backend))

    def budget(self, split: Split) -> Budget:
        """Return the budget of a run: measured `MEASUREMENTS` times an epoch, or after each step if there are fewer.

        Raises
        ------
        ValueError
            If a batch is larger than the training data.
        """
        epoch = Budget(split.train, None, self.epochs, self.batch_size, None).steps_per_epoch
        return Budget(split.train, None, self.epochs, self.batch_size, max(1, round(epoch / MEASUREMENTS)))

    def to_json(self) -> dict[str, Any]:
        """Return all that defines the race as what JSON can hold, the workload's and the methods' code included.

        Raises
        ------
        TypeError
            If a method or the workload can't be pickled.
        """
        definers = [self.workload.fit, self.workload.source.read, *(method.make for method in self.methods)]
        versions = {distribution_version(getattr(thing, "func", thing)) for thing in definers} - {None}
        return {
            "schema": SCHEMA,
            "sofim_ref": __version__,
            "workload": self.workload.name,
            "problem": self.workload.description,
            "data": self.workload.digest,
            "methods": [method.name for method in self.methods],
            **{name: getattr(self, name) for name in NUMBERS},
            "targets": {criterion: list(self.targets[criterion]) for criterion in CRITERIA},
            "backend": self.backend,
            "measurements an epoch": MEASUREMENTS,
            "defaults": {method.name: _defaults(method) for method in self.methods},
            "search spaces": {
                method.name: {parameter: str(where) for parameter, where in method.space.items()}
                for method in self.methods
            },
            "code": dict(Parcel.of(self).sources),
            "distributions": sorted(map(str, versions)),
        }


def usual_setting(
    workload: Workload,
    *,
    methods: Sequence[Method] | None = None,
    targets: Mapping[str, Sequence[float]] | None = None,
    quick: bool = False,
    backend: str | None = None,
    **numbers: int | None,
) -> Setting:
    """Return a race's setting: what isn't given is the workload's own, or that of a short race if `quick`.

    Parameters
    ----------
    workload : Workload
    methods : sequence of Method, optional
        Those that the papers' claims compare, if not given.
    targets : mapping, optional
        From some of `CRITERIA` to three targets, easy to hard.
    quick : bool
        Whether trials, seeds and epochs are few unless given.
    backend : str, optional
        One of the workload's backends; the first of them if not given.
    **numbers
        ``trials``, ``tuning_seeds``, ``seeds``, ``seed``, ``epochs`` and ``batch_size``, as in `Setting`; None stands
        for one that isn't given.

    Returns
    -------
    Setting

    Raises
    ------
    TypeError, ValueError
        As `Setting` does.
    """
    if not isinstance(workload, Workload):
        msg = f"workload must be a Workload, got {workload!r}; Workload.of(dataset) makes one."
        raise TypeError(msg)
    flag("quick", quick)
    backend = workload.backends[0] if backend is None else backend
    workload.check_backend(backend)
    few = (4, 1, 3, 0, max(1, workload.epochs // 4)) if quick else (16, 2, 5, 0, workload.epochs)
    usual = dict(zip(NUMBERS, (*few, workload.batch_size), strict=True))
    given = {name: number for name, number in numbers.items() if number is not None}
    chosen = {**workload.targets, **(targets or {})}
    if missing := [criterion for criterion in CRITERIA if criterion not in chosen]:
        reference = suggested_targets(workload, backend=backend)
        chosen |= {criterion: reference[criterion] for criterion in missing}
    return Setting(
        workload,
        claimed_methods() if methods is None else tuple(methods),
        targets={criterion: tuple(levels) for criterion, levels in chosen.items()},
        backend=backend,
        **{**usual, **given},
    )


def _fits_a_file(value: Any) -> bool:
    parts = as_table(value)
    return all(map(_fits_a_file, parts.values())) if isinstance(parts, Mapping) else isinstance(parts, JSON_TYPES)


def _defaults(method: Method) -> str:
    """Return the optimizer that a method makes by default, as text that doesn't depend on the process."""
    try:
        return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(method.build(steps=1)))
    except (ArithmeticError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
