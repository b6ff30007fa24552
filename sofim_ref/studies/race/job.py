"""The runs of a race, each known by name before it is run: the trials, then those that count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.optimizers import Method
from sofim_ref.optimizers.policy_tables import as_table
from sofim_ref.studies.race.setting import Setting


@dataclass(frozen=True)
class Job:
    """One run: a method, its settings, a seed.

    Parameters
    ----------
    method : str
        Its name; `Setting.method` has the method itself.
    settings : mapping
        Its hyper-parameters, from name to value; those not named stay at their defaults.
    seed : int
        What split, starting point, order of the examples and the method's own random numbers are drawn from.
    trial : int or None
        The number of the trial, from 0; None in the race itself.
    """

    method: str
    settings: Mapping[str, Any]
    seed: int
    trial: int | None = None

    @property
    def name(self) -> str:
        """What the run's file is called."""
        part = "race" if self.trial is None else f"trial-{self.trial:03d}"
        return f"{self.method}.{part}.seed-{self.seed}"

    @property
    def part(self) -> str:
        """Which of its method's runs it is, in words."""
        return f"{'race' if self.trial is None else f'trial {self.trial + 1}'}, seed {self.seed}"

    def to_json(self) -> dict[str, Any]:
        """Return the job as what JSON can hold."""
        return vars(self) | {"settings": {name: as_table(value) for name, value in self.settings.items()}}


def drawn_settings(method: Method, trial: int, seed: int) -> dict[str, Any]:
    """Return the settings of a trial: the documented defaults in trial 0, a draw from the method's space in the others.

    A trial draws from the same random numbers for every method.
    """
    if trial == 0:
        return {}
    rng = np.random.default_rng((seed, trial))
    return {parameter: where.draw(rng) for parameter, where in method.space.items()}


def trial_jobs(setting: Setting) -> list[Job]:
    """Return the trials of all methods."""
    return [
        Job(method.name, drawn_settings(method, trial, setting.seed), seed, trial)
        for method in setting.methods
        for trial in range(setting.trials)
        for seed in setting.trial_seeds
    ]


def race_jobs(setting: Setting, chosen: Mapping[Method, Mapping[str, Any]]) -> list[Job]:
    """Return the race's own runs, seed after seed, of the methods for which settings were found."""
    return [
        Job(method.name, chosen[method], seed)
        for seed in setting.race_seeds
        for method in setting.methods
        if method in chosen
    ]
