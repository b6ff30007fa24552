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
