"""The page of outcomes is what its numbers give, and its numbers are what the races' summaries give."""

import json
import runpy
from pathlib import Path

import pytest

from sofim_ref.reporting import plain
from sofim_ref.studies import race

RACES = Path(__file__).parents[3] / "docs" / "races"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(RACES / "__main__.py"), run_name="races")


def test_the_page_says_what_the_numbers_are(script):
    outcome = json.loads((RACES / "outcome.json").read_text(encoding="utf-8"))
    assert (RACES / "outcome.md").read_text(encoding="utf-8") == script["page"](outcome)
    assert [workload["workload"] for workload in outcome] == [
        w.name for w in race.WORKLOADS.values() if not w.needs_folder
    ]


def test_the_numbers_are_those_of_a_race(script, finished):
    seen, _ = finished
    outcome = script["_outcome"](plain(race.summarize(seen)))
    entry = seen.entries[0]
    (first, *_) = outcome["methods"][entry.method.name]["targets"]
    spread = entry.spread("train loss", first["target"], "epochs")
    assert first["epochs"] == [spread.median, spread.lower, spread.upper]
    assert first["reached"] == spread.reached
    assert f"{spread.median:.3g} ({spread.lower:.3g}–{spread.upper:.3g})" in script["page"]([outcome])


def test_races_with_fewer_trials_stand_apart_and_say_how_small_they_are(script):
    outcome = json.loads((RACES / "outcome.json").read_text(encoding="utf-8"))
    most = max(workload["trials"] for workload in outcome)
    together, apart = script["page"](outcome).split(script["APART"])
    assert f"## {sum(workload['trials'] == most for workload in outcome)} races together" in together
    for workload in outcome:
        whole = workload["trials"] == most
        place, other = (together, apart) if whole else (apart, together)
        said = "`sofim-ref race {workload}`: {} methods, {seeds} seeds of {epochs} epochs, {trials} trials a method."
        assert said.format(len(workload["methods"]), **workload) in place
        assert workload["problem"] not in other
    small = [workload for workload in outcome if workload["trials"] < most]
    large = [workload for workload in outcome if workload["trials"] == most]
    for number in ("trials", "seeds"):
        assert max(race[number] for race in small) <= min(race[number] for race in large)
        assert {"heavy-ball", "adam", "sofim", "soaa", "adafisher", "kfac"} <= set.intersection(
            *(set(race["methods"]) for race in small)
        )


def test_a_race_takes_the_place_of_the_earlier_one_of_its_workload(script, finished, tmp_path, monkeypatch):
    there = json.loads((RACES / "outcome.json").read_text(encoding="utf-8"))
    (tmp_path / "outcome.json").write_text(json.dumps(there), encoding="utf-8")
    monkeypatch.setitem(script["main"].__globals__, "HERE", tmp_path)
    assert script["main"]([str(finished[1])]) == 0
    written = json.loads((tmp_path / "outcome.json").read_text(encoding="utf-8"))
    assert [workload["workload"] for workload in written] == [workload["workload"] for workload in there]
    assert written[0]["trials"] == 2
    assert written[1:] == there[1:]


def test_ties_are_named_as_ties_and_no_method_is_below_one_with_the_same_number(script):
    def method(median):
        return {"targets": [{"criterion": "train loss", "target": 1.0, "epochs": [median, median, median]}]}

    medians = {"foof": 0.362, "kfac": 0.362, "newton": 0.362, "sgd": 0.362, "adam": 0.5, "never": None}
    race_of = {"methods": {name: method(median) for name, median in medians.items()}}
    wanted = {"criterion": "train loss", "target": 1.0}
    assert script["_fastest"](race_of, wanted, "epochs") == ["foof = kfac = newton = sgd 0.362"]
    del race_of["methods"]["newton"], race_of["methods"]["sgd"]
    assert script["_fastest"](race_of, wanted, "epochs") == ["foof = kfac 0.362", "adam 0.5"]


def test_the_page_says_who_is_first_in_each_race_among_how_many_and_by_all_three_units(script):
    outcome = json.loads((RACES / "outcome.json").read_text(encoding="utf-8"))
    whole = [workload for workload in outcome if workload["trials"] == 16]
    page = script["page"](outcome)
    for workload in whole:
        assert f"{len(workload['methods'])} in {workload['workload']}" in page
    assert "| diabetes | epochs | 12.0 | foof 69% |" in page
    assert "| digits-mlp | epochs | 2.2 | lbfgs 44% |" in page
    assert "| sofim | nystrom-sgd | 7 : 26 | 31 : 3 | 31 : 3 |" in page
    assert all(set(workload["profiles"]) == {"epochs", "gradient evaluations", "seconds"} for workload in outcome)


def test_every_method_that_a_network_s_race_leaves_out_has_its_reason(script):
    outcome = json.loads((RACES / "outcome.json").read_text(encoding="utf-8"))
    ran = [set(workload["methods"]) for workload in outcome if workload["trials"] == 16]
    named = [name for names in script["LEFT_OUT"].values() for name in names]
    assert sorted(named) == sorted(set.union(*ran) - set.intersection(*ran))
