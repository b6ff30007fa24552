import dataclasses
from functools import partial

import pytest
from tiny import hold, setting

from sofim_ref import optimizers
from sofim_ref.studies import race
from sofim_ref.studies.race import board, report, tables


@pytest.fixture(autouse=True)
def wild(monkeypatch):
    """Plain SGD with steps so long that it always diverges, and a method that can't even start."""
    known = optimizers.REGISTRY
    wild = dataclasses.replace(known["sgd"], make=partial(optimizers.SGD, lr=1e308), space={})
    broken = dataclasses.replace(known["nesterov"], make=partial(optimizers.SGD, momentum=2.0), space={})
    monkeypatch.setitem(known, "sgd", wild)
    monkeypatch.setitem(known, "nesterov", broken)


def test_a_method_that_diverges_in_every_trial_is_reported_and_the_race_goes_on(tmp_path):
    seen, folder, told = hold(tmp_path, methods=["sgd", "sofim"])
    assert [entry.method for entry in seen.racing] == ["sofim"]
    assert any("SGD diverged or failed in each of its 2 trials" in line for line in told)
    page = report.write(seen, folder, "").read_text(encoding="utf-8")
    assert "SGD diverged or failed in each of its 2 trials: it is out." in page
    assert race.summarize(seen)["methods"][0]["trials"][0]["statuses"] == ["DIVERGED"]


def test_an_error_in_a_run_is_a_result(tmp_path):
    seen, _, told = hold(tmp_path, methods=["nesterov", "sofim"])
    assert seen.entries[0].trials[0].statuses == ("FAILED",)
    assert any("failed, ValueError: momentum must be a number in [0, 1)" in line for line in told)


def test_a_race_that_nobody_finishes_still_ends_with_a_report(tmp_path, capsys):
    from rich.console import Console

    seen, folder, _ = hold(tmp_path, methods=["sgd"])
    assert "it is out" in report.write(seen, folder, "").read_text(encoding="utf-8")
    board.print_race(seen, Console())
    assert "it is out" in capsys.readouterr().out


def test_a_run_that_diverges_in_the_race_is_said(held):
    seen, _ = held
    runs = [dataclasses.replace(seen.entries[0].runs[0], status="DIVERGED"), *seen.entries[0].runs[1:]]
    entry = dataclasses.replace(seen.entries[0], runs=tuple(runs))
    table = tables.ends(dataclasses.replace(seen, entries=(entry,)))
    assert table.rows[0][-1] == "1 of 3 diverged"


def test_every_run_is_told_as_it_ends_and_counted(tmp_path):
    folder, chosen, told, counted = race.RunStore(tmp_path), setting(), [], []
    folder.begin(chosen, "")
    race.run_race(chosen, folder, race.LocalExecutor(1), tell=told.append, progress=lambda *step: counted.append(step))
    assert len(told) == 10
    assert told[0].startswith("SOFIM (moment), trial 1, seed 1000000: train loss 0.")
    assert [done for done, _, _ in counted][-1] == counted[-1][1] == 10
    assert sorted(counted, key=lambda step: step[0]) == counted


def test_another_backend_runs_the_same_race(held, tmp_path):
    pytest.importorskip("torch")
    seen, _, _ = hold(tmp_path, backend="torch")
    for entry, expected in zip(seen.entries, held[0].entries, strict=True):
        for result, numpy_s in zip(entry.runs, expected.runs, strict=True):
            assert result.curves["train loss"] == pytest.approx(numpy_s.curves["train loss"], rel=1e-8)


@pytest.mark.parametrize("workload", race.WORKLOADS)
def test_every_course_can_be_run(workload, tmp_path):
    chosen = race.usual_setting(workload, methods=["sofim"], trials=1, tuning_seeds=1, seeds=1, epochs=1)
    folder = race.RunStore(tmp_path)
    folder.begin(chosen, "")
    seen = race.run_race(chosen, folder, race.LocalExecutor(1))
    (result,) = seen.entries[0].runs
    assert result.finished
    assert result.curves["epochs"][-1] == 1.0
    assert result.curves["train loss"][-1] < result.curves["train loss"][0]
