"""Tiny races: ten short runs on real data, and runs made by hand."""

import json
import math

import pytest

from sofim_ref.studies import race

TARGETS = {"train loss": (0.3, 0.11, 0.01), "test loss": (0.3, 0.15, 0.01), "score": (0.5, 0.97, 0.999)}


def setting(**changes):
    """Two methods, two trials on one seed, three seeds, two epochs: ten runs."""
    few = {"trials": 2, "tuning_seeds": 1, "seeds": 3, "epochs": 2, "targets": TARGETS}
    return race.usual_setting("breast-cancer", **{"methods": ["sofim", "heavy-ball"], **few, **changes})


def hold(path, executor=None, tell=lambda _: None, **changes):
    """Hold the race in a folder, in this process unless a executor is given; return what was told too."""
    chosen = setting(**changes)
    folder = race.RunStore(path)
    folder.check(chosen)
    folder.begin(chosen, "sofim-ref race")
    told = []

    def hear(line):
        told.append(line)
        tell(line)

    held = race.run_race(chosen, folder, executor or race.LocalExecutor(1), tell=hear)
    return held, folder, told


def result(**curves):
    """A run with these curves; what it had spent counts up from 0, what isn't given was never measured."""
    length = len(next(iter(curves.values())))
    usual = {name: tuple(range(length)) for name in ("steps", "epochs", "gradient evaluations", "seconds")}
    nothing = dict.fromkeys(("train loss", "test loss", "score"), (math.nan,) * length)
    named = {name.replace("_", " "): curve for name, curve in curves.items()}
    return race.Result(race.Job("sgd", {}, 0), "SGD()", "BUDGET_SPENT", "", {**usual, **nothing, **named}, 1)


def numbers(path):
    """All that a race left in its run files, less what a clock and the number of workers say."""
    files = sorted((path / "runs").glob("*.json"))
    read = {file.name: json.loads(file.read_text(), parse_constant=pytest.fail) for file in files}
    for content in read.values():
        del content["curves"]["seconds"], content["n_workers"]
    return read
