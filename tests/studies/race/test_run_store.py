import dataclasses
import json
import re

import pytest
from tiny import methods, numbers, run_tiny, setting

from sofim_ref.optimizers import REGISTRY, OneOf
from sofim_ref.studies import race
from sofim_ref.studies.race.job import trial_jobs


def test_one_file_a_run_and_nothing_else(finished):
    _, path = finished
    assert len(numbers(path)) == 2 * (2 + 3)
    assert len(list((path / "runs").iterdir())) == 10


def test_the_same_race_gives_the_same_numbers(finished, tmp_path):
    _, path = finished
    run_tiny(tmp_path / "again")
    assert numbers(tmp_path / "again") == numbers(path)


def test_what_is_on_disk_is_not_run_again(finished, monkeypatch):
    _, path = finished
    monkeypatch.setattr("sofim_ref.studies.race.executor.run_job", pytest.fail)
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*.json")}
    seen, _, told = run_tiny(path)
    assert "4 of 4 runs (tuning) are on disk from before." in told
    assert all(file.stat().st_mtime_ns == time for file, time in before.items())
    assert race.summarize(seen)["methods"] == race.summarize(finished[0])["methods"]


def test_a_race_that_was_stopped_anywhere_ends_as_if_it_never_had_been(finished, tmp_path, monkeypatch):
    from sofim_ref.studies.race import executor

    honest, done = executor.run_job, []

    def stopped(*arguments):
        if len(done) == 6:
            raise KeyboardInterrupt
        done.append(honest(*arguments))
        return done[-1]

    monkeypatch.setattr(executor, "run_job", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_tiny(tmp_path)
    assert len(list((tmp_path / "runs").glob("*.json"))) == 6
    monkeypatch.setattr(executor, "run_job", honest)
    run_tiny(tmp_path)
    assert numbers(tmp_path) == numbers(finished[1])


@pytest.mark.parametrize("damage", ["", "{", '{"schema": 1}', "[]", "null", "another run's"])
def test_a_file_that_is_no_result_is_set_aside_and_computed_again_with_a_note(finished, tmp_path, damage):
    run_tiny(tmp_path)
    file = tmp_path / "runs" / "sofim.race.seed-1.json"
    if damage == "another run's":
        damage = (tmp_path / "runs" / "sofim.race.seed-2.json").read_text()
    file.write_text(damage)
    seen, _, _ = run_tiny(tmp_path)
    assert numbers(tmp_path) == numbers(finished[1])
    (aside,) = tmp_path.glob("runs/*.unreadable-1")
    assert aside.read_text() == damage
    assert re.search(r"sofim\.race\.seed-1\.json is no result of this race .* computed again", seen.notes[0])


def test_a_write_that_breaks_off_leaves_no_half_file(tmp_path):
    store = race.RunStore(tmp_path)
    store.begin(setting(), "")
    with pytest.raises(ValueError, match="JSON compliant"):
        store.write("summary.json", {"number": float("nan")})
    assert not (tmp_path / "summary.json").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 4}, "seeds is 3 there and 4 here"),
        ({"methods": methods("sofim")}, "methods is sofim, heavy-ball there and sofim here"),
        ({"epochs": 3, "trials": 9}, "trials is 2 there and 9 here; epochs is 2 there and 3 here"),
        ({"targets": {"score": (0.1, 0.2, 0.3)}}, "targets, score is 0.5, 0.97, 0.999 there and 0.1, 0.2, 0.3 here"),
    ],
)
def test_the_folder_of_another_race_is_refused_with_what_differs(finished, changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        race.RunStore(finished[1]).check(setting(**changes))


def test_another_search_space_makes_another_race(finished):
    (sofim,) = methods("sofim")
    changed = dataclasses.replace(sofim, space={"lr": OneOf((1.0, 2.0))})
    with pytest.raises(ValueError, match=r"search spaces, sofim, lr is .* there and 1\.0, 2\.0 here"):
        race.RunStore(finished[1]).check(setting(methods=[changed, *methods("heavy-ball")]))


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "report.html").write_text("a tour's")
    with pytest.raises(ValueError, match=r"must be empty or hold this race, but .* holds other files"):
        race.RunStore(tmp_path).check(setting())


def test_a_setting_that_can_t_be_read_is_refused(tmp_path):
    (tmp_path / "race.json").write_text("{")
    with pytest.raises(ValueError, match="can't be read as a race"):
        race.RunStore(tmp_path).check(setting())


def test_a_result_comes_back_as_it_was(finished):
    _, path = finished
    jobs = trial_jobs(setting())
    found = race.RunStore(path).found(jobs)
    for job in jobs:
        text = json.loads((path / "runs" / f"{job.name}.json").read_text())
        assert json.loads(json.dumps(found[job.name].to_json())) == text


def test_a_race_that_differs_in_much_is_refused_in_a_short_sentence(finished):
    _, path = finished
    with pytest.raises(ValueError, match=r"methods is sofim, heavy-ball there and .* here\. Give another") as refusal:
        race.RunStore(path).check(setting(methods=list(REGISTRY.values()), epochs=3))
    assert len(str(refusal.value)) < len(str(path)) + 12 * len(REGISTRY) + 250
    three = r"another: trials is [^;]*; tuning_seeds is [^;]*; seeds is [^;]*; and 2 more\. Give another"
    with pytest.raises(ValueError, match=three):
        race.RunStore(path).check(setting(trials=9, tuning_seeds=4, seeds=5, seed=1, epochs=3))
