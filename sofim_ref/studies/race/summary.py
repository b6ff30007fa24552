"""All numbers of a race; each follows from the files of its runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sofim_ref.optimizers import Method
from sofim_ref.optimizers.policy_tables import as_table
from sofim_ref.studies.race.claims import pairs
from sofim_ref.studies.race.performance_profile import FACTORS, PerformanceProfile, performance_profiles
from sofim_ref.studies.race.race import Entry, Race
from sofim_ref.studies.race.setting import Setting
from sofim_ref.studies.race.time_to_target import COSTS, Spread
from sofim_ref.studies.race.workload_scoring import CRITERIA


def summarize(race: Race) -> dict[str, Any]:
    """Return the race's numbers; ∞ and −∞ stand for what was not reached, and become null in JSON.

    Parameters
    ----------
    race : Race

    Returns
    -------
    dict
    """
    return {
        "setting": race.setting.to_json(),
        "score": race.setting.workload.scoring.name,
        "methods": [_of_entry(entry, race.setting) for entry in race.entries],
        "performance_profiles": {
            cost: {
                method.name: {
                    "ratios": profile.ratios,
                    "shares": {f"{factor:g}": profile.share(factor) for factor in FACTORS},
                    "solved": profile.solved,
                }
                for method, profile in profiles(race, cost).items()
            }
            for cost in COSTS
        },
        "claims": [
            {"said_to_be_faster": one.name, "than": other.name, "first_by_median": firsts(race, one, other)}
            for one, other in pairs(entry.method for entry in race.racing)
        ],
        "left_out": {method.name: why for method, why in race.left_out.items()},
        "notes": race.notes,
    }


def profiles(race: Race, cost: str) -> dict[Method, PerformanceProfile]:
    """Return the performance profiles, in one of `COSTS`, of who raced; a problem is a target and a seed."""
    return performance_profiles(
        {
            entry.method: [
                value
                for criterion in CRITERIA
                for target in race.setting.targets[criterion]
                for value in entry.spread(criterion, target, cost).values
            ]
            for entry in race.racing
        }
    )


def firsts(race: Race, one: Method, other: Method) -> list[dict[str, Any]]:
    """Return, for each target and each of `COSTS`, which of two methods that raced has the smaller median.

    It is given by name; ``"level"`` if the medians are equal, None if neither median run reached the target.
    """
    by_method = {entry.method: entry for entry in race.racing}

    def first(criterion: str, target: float, cost: str) -> str | None:
        median, other_median = (by_method[m].spread(criterion, target, cost).median for m in (one, other))
        if median == other_median:
            return None if math.isinf(median) else "level"
        return one.name if median < other_median else other.name

    return [
        {"criterion": criterion, "target": target, **{cost: first(criterion, target, cost) for cost in COSTS}}
        for criterion in CRITERIA
        for target in race.setting.targets[criterion]
    ]


def _of_entry(entry: Entry, setting: Setting) -> dict[str, Any]:
    chosen = entry.chosen
    return {
        "method": entry.method.name,
        "optimizer": chosen.optimizer if chosen else None,
        "settings": _tables(chosen.settings) if chosen else None,
        "trial": chosen.number if chosen else None,
        "trials": [
            {
                "trial": trial.number,
                "settings": _tables(trial.settings),
                "mean_epochs_to_targets": trial.epochs,
                "mean_train_loss": trial.mean_loss,
                "statuses": trial.statuses,
            }
            for trial in entry.trials
        ],
        "runs": [result.job.name for result in entry.runs],
        "statuses": [result.status for result in entry.runs],
        "at_the_end": {criterion: _spread(entry.ends(criterion)) for criterion in CRITERIA} if chosen else None,
        "targets": [
            {
                "criterion": criterion,
                "target": target,
                "reached": entry.spread(criterion, target, "epochs").reached,
                **{cost: _spread(entry.spread(criterion, target, cost)) for cost in COSTS},
            }
            for criterion in CRITERIA
            for target in setting.targets[criterion]
            if chosen
        ],
    }


def _spread(spread: Spread) -> dict[str, Any]:
    return {"median": spread.median, "quartiles": (spread.lower, spread.upper), "each": spread.values}


def _tables(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: as_table(value) for name, value in settings.items()}
