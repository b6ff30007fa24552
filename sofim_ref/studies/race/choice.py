"""Which settings a method races with: the best of its trials, judged by one rule for all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sofim_ref.studies.race.run import Result
from sofim_ref.studies.race.setting import Setting
from sofim_ref.studies.race.time_to_target import cost_to

CRITERION = (
    "the mean number of epochs to the three targets of train loss, over the tuning seeds, with twice the budget for a "
    "target that was not reached; equals are told apart by the mean of the train loss over the run, then by the number "
    "of the trial; a trial that diverged or failed on any seed is out; held-out rows play no part"
)
"""The rule by which settings are chosen, in words."""


@dataclass(frozen=True)
class Trial:
    """One try of a method's settings, on all tuning seeds.

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
        The mean of the train loss over the runs; ∞ if the trial is out.
    statuses : tuple of str
        How each run ended.
    """

    number: int
    settings: Mapping[str, Any]
    optimizer: str
    epochs: float
    mean_loss: float
    statuses: tuple[str, ...]

    @property
    def out(self) -> bool:
        """Whether a run of it diverged or failed."""
        return math.isinf(self.epochs)


def judged(setting: Setting, runs: Sequence[Result]) -> Trial:
    """Return what the runs of one trial are worth."""
    first, statuses = runs[0], tuple(result.status for result in runs)
    worth = (math.inf, math.inf)
    if all(result.finished for result in runs):
        spent = [
            min(cost_to(result, "train loss", target, "epochs"), 2.0 * setting.epochs)
            for result in runs
            for target in setting.targets["train loss"]
        ]
        worth = (fmean(spent), fmean(fmean(result.curves["train loss"]) for result in runs))
    return Trial(first.job.trial or 0, first.job.settings, first.optimizer, *worth, statuses)


def best(trials: Iterable[Trial]) -> Trial | None:
    """Return the best of a method's trials, or None if all of them are out."""
    left = [trial for trial in trials if not trial.out]
    return min(left, key=lambda trial: (trial.epochs, trial.mean_loss, trial.number), default=None)
