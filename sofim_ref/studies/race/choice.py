"""The settings that a method races with: those of its best trial, judged by one rule for all methods."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sofim_ref.studies.race.run import FAILED, Result
from sofim_ref.studies.race.setting import Setting
from sofim_ref.studies.race.time_to_target import cost_to

CRITERION = (
    "mean number of epochs to the three targets of train loss, over the tuning seeds, with twice the budget for a "
    "target that was not reached; ties are broken by the mean train loss over the run, then by the number of the "
    "trial; a trial that diverged or failed on any seed is out; held-out rows are not used"
)
"""The rule by which settings are chosen, in words."""


@dataclass(frozen=True)
class Trial:
    """One setting of a method's hyper-parameters, tried on all tuning seeds.

    Parameters
    ----------
    number : int
        From 0, which is the documented defaults.
    settings : mapping
        From a hyper-parameter to its value; none for the defaults.
    optimizer : str
        The optimizer with all its hyper-parameters.
    epochs : float
        The mean number of epochs to the targets, as `CRITERION` says; ∞ if the trial is out.
    mean_loss : float
        The mean train loss over the runs; ∞ if the trial is out.
    statuses : tuple of str
        How each run ended.
    error : str
        The message of the first run that failed; empty if none did.
    """

    number: int
    settings: Mapping[str, Any]
    optimizer: str
    epochs: float
    mean_loss: float
    statuses: tuple[str, ...]
    error: str = ""

    @property
    def out(self) -> bool:
        """Whether a run of it diverged or failed."""
        return math.isinf(self.epochs)


def judged(setting: Setting, runs: Sequence[Result]) -> Trial:
    """Return the trial that some runs, one a tuning seed, make up."""
    first, statuses = runs[0], tuple(result.status for result in runs)
    worth = (math.inf, math.inf)
    if all(result.finished for result in runs):
        spent = [
            min(cost_to(result, "train loss", target, "epochs"), 2.0 * setting.epochs)
            for result in runs
            for target in setting.targets["train loss"]
        ]
        worth = (fmean(spent), fmean(fmean(result.curves["train loss"]) for result in runs))
    return Trial(first.job.trial or 0, first.job.settings, first.optimizer, *worth, statuses, first_error(runs))


def first_error(runs: Iterable[Result]) -> str:
    """Return the message of the first run that an error stopped; empty if there is none."""
    return next((result.message for result in runs if result.status == FAILED), "")


def best(trials: Iterable[Trial]) -> Trial | None:
    """Return the best of a method's trials, or None if all of them are out."""
    left = [trial for trial in trials if not trial.out]
    return min(left, key=lambda trial: (trial.epochs, trial.mean_loss, trial.number), default=None)
