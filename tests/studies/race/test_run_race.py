import dataclasses
import json
from functools import partial

import pytest
from rich.console import Console
from tiny import methods, result, run_tiny, setting

import sofim_ref as sr
from sofim_ref.optimizers import Method
from sofim_ref.optimizers.plugins import open_plugin
from sofim_ref.studies import race
from sofim_ref.studies.race import tables

WILD = Method("wild", "Wild", partial(sr.SGD, lr=1e308), space={})
BROKEN = Method("broken", "Broken", partial(sr.SGD, lr=0.1, momentum=2.0), space={})


class Moody(sr.SGD):
    """Fails on one seed with an error that no method of ours raises."""

    seed: int = 0

    def precondition(self, state, oracle):
        if self.lr == 0.125 and float(oracle.w[0]) != 0.0:
            msg = "nothing under that key"
            raise KeyError(msg)
        return super().precondition(state, oracle)


def test_a_method_that_diverges_in_every_trial_is_reported_and_the_race_goes_on(tmp_path):
    seen, store, told = run_tiny(tmp_path, methods=[WILD, *methods("sofim")])
    assert [entry.method.name for entry in seen.racing] == ["sofim"]
    assert any("Wild diverged or failed in each of its 2 trials" in line for line in told)
    page = race.report(seen).write(store.path).read_text(encoding="utf-8")
    assert "Wild diverged or failed in each of its 2 trials: it is out." in page
    assert race.summarize(seen)["methods"][0]["trials"][0]["statuses"] == ("DIVERGED",)


def test_an_error_in_a_run_is_a_result_and_the_first_is_in_the_report(tmp_path):
    seen, store, told = run_tiny(tmp_path, methods=[BROKEN, *methods("sofim")])
    assert seen.entries[0].trials[0].statuses == ("FAILED",)
    assert any("failed, ValueError: momentum must be a number in [0, 1)" in line for line in told)
    page = race.report(seen).write(store.path).read_text(encoding="utf-8")
    assert "The first error of Broken: ValueError: momentum must be a number in [0, 1)" in page


def test_any_error_of_a_method_from_outside_leaves_the_race_going(tmp_path):
    moody = Method.of(Moody(lr=0.125), label="Moody")
    seen, _, _ = run_tiny(tmp_path, methods=[moody, *methods("sofim")])
    assert seen.entries[0].trials[0].error == "KeyError: 'nothing under that key'"
    assert "The first error of Moody: KeyError: 'nothing under that key'" in seen.notes
    assert seen.racing[0].method.name == "sofim"


def test_a_race_that_nobody_finishes_still_ends_with_a_report(tmp_path, capsys):
    seen, store, _ = run_tiny(tmp_path, methods=[WILD])
    report = race.report(seen)
    assert "it is out" in report.write(store.path).read_text(encoding="utf-8")
    report.print(Console())
    assert "it is out" in capsys.readouterr().out


def test_a_run_that_diverges_in_the_race_is_named_and_counts_as_the_worst(finished):
    seen, _ = finished
    first = dataclasses.replace(seen.entries[0].runs[0], status="DIVERGED")
    entry = dataclasses.replace(seen.entries[0], runs=(first, *seen.entries[0].runs[1:]))
    table = tables.ends(dataclasses.replace(seen, entries=(entry,)))
    assert table.cells[0][-1] == "1 of 3 diverged"
    assert table.cells[0][1].endswith("2/3")
    assert "diverged or failed in 1 of its 3 runs, which count as the worst outcome" in entry.failures[0]
    assert entry.spread("train loss", 0.3, "epochs").reached == 2


def test_every_run_is_told_as_it_ends_and_counted(tmp_path):
    store, chosen, told, counted = race.RunStore(tmp_path), setting(), [], []
    store.begin(chosen, "")
    race.run_race(chosen, store, race.LocalExecutor(1), tell=told.append, progress=lambda *step: counted.append(step))
    assert len(told) == 10
    assert told[0].startswith("SOFIM (moment), trial 1, seed 1000000: train loss 0.")
    assert [done for done, _, _ in counted][-1] == counted[-1][1] == 10
    assert sorted(counted, key=lambda step: step[0]) == counted


def test_another_backend_runs_the_same_race(finished, tmp_path):
    pytest.importorskip("torch")
    seen, _, _ = run_tiny(tmp_path, backend="torch")
    for entry, expected in zip(seen.entries, finished[0].entries, strict=True):
        for run, numpy_s in zip(entry.runs, expected.runs, strict=True):
            assert run.curves["train loss"] == pytest.approx(numpy_s.curves["train loss"], rel=1e-8)


WITH_DATA = [
    pytest.param(workload, id=name, marks=[pytest.mark.slow] * (name in ("characters-transformer", "digits-convnet")))
    for name, workload in race.WORKLOADS.items()
    if not workload.needs_folder
]


@pytest.mark.parametrize("workload", WITH_DATA)
def test_every_workload_can_be_run(workload, tmp_path):
    if "numpy" not in workload.backends:
        pytest.importorskip("torch", reason="torch isn't installed")
    chosen = race.usual_setting(workload, methods=methods("sofim"), trials=1, tuning_seeds=1, seeds=1, epochs=1)
    store = race.RunStore(tmp_path)
    store.begin(chosen, "")
    seen = race.run_race(chosen, store, race.LocalExecutor(1))
    (run,) = seen.entries[0].runs
    assert run.finished
    assert run.curves["epochs"][-1] == 1.0
    assert run.curves["train loss"][-1] < run.curves["train loss"][0]


def test_two_instances_of_one_class_race_under_their_labels(tmp_path):
    pair = [Method.of(sr.SOFIM(lr=lr, rho=0.1), label=f"SOFIM, η = {lr}") for lr in (0.05, 0.2)]
    seen, _, _ = run_tiny(tmp_path, methods=pair)
    assert [entry.method.title for entry in seen.racing] == ["SOFIM, η = 0.05", "SOFIM, η = 0.2"]
    assert seen.entries[0].runs[0].curves["train loss"] != seen.entries[1].runs[0].curves["train loss"]
    assert "SOFIM, η = 0.05" in race.report(seen).blocks[6].to_text(120)


@pytest.mark.slow
def test_policies_from_a_file_race_and_are_searched_and_the_folder_holds_them_as_tables(tmp_path):
    (tmp_path / "mine.toml").write_text(
        "[sofim-root]\nmethod = 'sofim'\nrho = {policy = 'GradientRoot', c = 0.1}\n"
        "space = {rho = {one_of = [{policy = 'SquaredMoment', c = 2.0}]}}\n",
        encoding="utf-8",
    )
    given = {"methods": open_plugin(tmp_path / "mine.toml").methods, "seeds": 1, "epochs": 1}
    seen, _, _ = run_tiny(tmp_path / "race", **given)
    default, drawn = seen.entries[0].trials
    assert "rho=GradientRoot(c=0.1)" in default.optimizer
    assert "rho=SquaredMoment(c=2.0)" in drawn.optimizer
    trials = race.summarize(seen)["methods"][0]["trials"]
    assert json.loads(json.dumps(trials))[1]["settings"]["rho"] == {"policy": "SquaredMoment", "c": 2.0}
    assert "2 of 2 runs (tuning) are on disk from before." in run_tiny(tmp_path / "race", **given)[2]


def test_a_result_of_a_failed_run_ends_where_it_ended():
    assert not result(status="DIVERGED", train_loss=(1.0, 2.0)).finished
