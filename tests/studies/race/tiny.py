"""Tiny races: ten short runs on real data, and runs made by hand."""

import json
import math

import pytest

from sofim_ref.optimizers import REGISTRY
from sofim_ref.studies import race

TARGETS = {"train loss": (0.3, 0.11, 0.01), "test loss": (0.3, 0.15, 0.01), "score": (0.5, 0.97, 0.999)}
WORKLOAD = race.WORKLOADS["breast-cancer"]


def methods(*names):
    return [REGISTRY[name] for name in names]


def setting(**changes):
    """Two methods, two trials on one seed, three seeds, two epochs: ten runs."""
    few = {"trials": 2, "tuning_seeds": 1, "seeds": 3, "epochs": 2, "targets": TARGETS}
    asked = {"workload": WORKLOAD, "methods": methods("sofim", "heavy-ball"), **few, **changes}
    return race.usual_setting(asked.pop("workload"), **asked)


def run_tiny(path, executor=None, tell=lambda _: None, **changes):
    """Run the race in a folder, in this process unless an executor is given; return what was told too."""
    chosen = setting(**changes)
    store = race.RunStore(path)
    store.check(chosen)
    store.begin(chosen, "sofim-ref race")
    told = []

    def hear(line):
        told.append(line)
        tell(line)

    finished = race.run_race(chosen, store, executor or race.LocalExecutor(1), tell=hear)
    return finished, store, told


def result(*, status="BUDGET_SPENT", **curves):
    """A run with these curves; what it had spent counts up from 0, what isn't given was never measured."""
    length = len(next(iter(curves.values())))
    usual = {name: tuple(range(length)) for name in ("steps", "epochs", "gradient evaluations", "seconds")}
    nothing = dict.fromkeys(("train loss", "test loss", "score"), (math.nan,) * length)
    named = {name.replace("_", " "): curve for name, curve in curves.items()}
    return race.Result(race.Job("sgd", {}, 0), "SGD()", status, "", {**usual, **nothing, **named}, 1)


def entry(*runs, method=REGISTRY["sgd"]):
    """An entry with these runs."""
    trial = race.Trial(0, {}, "SGD()", 1.0, 1.0, ("BUDGET_SPENT",))
    return race.Entry(method, (trial,), trial, runs)


def numbers(path):
    """All that a race left in its run files, less what a clock and the number of workers say."""
    files = sorted((path / "runs").glob("*.json"))
    read = {file.name: json.loads(file.read_text(), parse_constant=pytest.fail) for file in files}
    for content in read.values():
        del content["curves"]["seconds"], content["n_workers"]
    return read
