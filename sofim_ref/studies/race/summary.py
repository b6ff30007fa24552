"""All of a race's numbers as what JSON can hold; each follows from the files of its runs."""

from __future__ import annotations

import math
from typing import Any

from sofim_ref.studies.race.claims import pairs
from sofim_ref.studies.race.run_race import Entry, Race
from sofim_ref.studies.race.setting import Setting
from sofim_ref.studies.race.time_to_target import COSTS, Spread
from sofim_ref.studies.race.workload import CRITERIA


def summarize(race: Race) -> dict[str, Any]:
    """Return the race's numbers: no NaN, no infinity; None stands for what was not reached.

    Parameters
    ----------
    race : Race

    Returns
    -------
    dict
    """
    return {
        "setting": race.setting.to_json(),
        "score": race.setting.laid.score_name,
        "methods": [_of_entry(entry, race.setting) for entry in race.entries],
        "claims": [
            {"said_to_be_faster": first, "than": other, "first_in_the_median": firsts(race, first, other)}
            for first, other in pairs(entry.method for entry in race.racing)
        ],
        "left_out": dict(race.left_out),
        "notes": list(race.notes),
    }


def firsts(race: Race, one: str, other: str) -> list[dict[str, Any]]:
    """Return, for each target and cost, which of two methods has the smaller median.

    Parameters
    ----------
    race : Race
    one, other : str
        Two methods that raced.

    Returns
    -------
    list of dict
        With ``criterion``, ``target``, and from each of `COSTS` the name of the first, ``"level"`` if they are equal,
        or None if neither median run reached the target.
    """
    entries = {entry.method: entry for entry in race.racing}
    return [
        {
            "criterion": criterion,
            "target": target,
            **{
                cost: _first(
                    one,
                    entries[one].spread(criterion, target, cost).median,
                    other,
                    entries[other].spread(criterion, target, cost).median,
                )
                for cost in COSTS
            },
        }
        for criterion in CRITERIA
        for target in race.setting.targets[criterion]
    ]


def _first(one: str, median: float, other: str, other_median: float) -> str | None:
    if math.isinf(median) and math.isinf(other_median):
        return None
    if median == other_median:
        return "level"
    return one if median < other_median else other


def _of_entry(entry: Entry, setting: Setting) -> dict[str, Any]:
    chosen = entry.chosen
    return {
        "method": entry.method,
        "optimizer": chosen.optimizer if chosen else None,
        "settings": dict(chosen.settings) if chosen else None,
        "trial": chosen.number if chosen else None,
        "trials": [
            {
                "trial": trial.number,
                "settings": dict(trial.settings),
                "mean_epochs_to_targets": _number(trial.epochs),
                "mean_train_loss": _number(trial.mean_loss),
                "statuses": list(trial.statuses),
            }
            for trial in entry.trials
        ],
        "runs": [result.job.name for result in entry.runs],
        "statuses": [result.status for result in entry.runs],
        "at_the_end": {criterion: _spread(at_the_end(entry, criterion)) for criterion in CRITERIA} if chosen else None,
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


def at_the_end(entry: Entry, criterion: str) -> Spread:
    """Return where the runs of an entry ended: the last measurement of each; ∞ for a run without a finite one."""
    last = (next(reversed(result.curves[criterion]), math.nan) for result in entry.runs)
    return Spread(tuple(value if math.isfinite(value) else math.inf for value in last))


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "median": _number(spread.median),
        "quartiles": [_number(spread.lower), _number(spread.upper)],
        "each": [_number(value) for value in spread.values],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
