import dataclasses
import errno
import json
import math
import os
import re
import shutil

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


def edited(**changes):
    """Edit a result's JSON."""
    return lambda text: json.dumps({**json.loads(text), **changes})


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "{", id="a brace"),
        pytest.param(lambda _: '{"schema": 1}', id="other JSON"),
        pytest.param(lambda _: "null", id="null"),
        pytest.param(lambda _: 50_000 * "[", id="too deep"),
        pytest.param(lambda _: 100 * "\0", id="zeros"),
        pytest.param(lambda text: text[: len(text) // 2], id="truncated"),
        pytest.param(lambda text: text.replace('"seed": 1', '"seed": 2'), id="another run's"),
        pytest.param(edited(n_workers=math.inf), id="infinite"),
        pytest.param(edited(status="FINE"), id="unknown status"),
        pytest.param(edited(curves={name: [] for name in race.run.CURVES}), id="no curves"),
    ],
)
def test_a_file_that_is_no_result_is_set_aside_and_computed_again_with_a_note(finished, tmp_path, damage):
    shutil.copytree(finished[1], tmp_path / "race")
    file = tmp_path / "race" / "runs" / "sofim.race.seed-1.json"
    file.write_text(damaged := damage(file.read_text()))
    seen, _, _ = run_tiny(tmp_path / "race")
    assert numbers(tmp_path / "race") == numbers(finished[1])
    (aside,) = tmp_path.glob("race/runs/*.unreadable-1")
    assert aside.read_text() == damaged
    assert re.search(r"sofim\.race\.seed-1\.json is no result of this race .* computed again", seen.notes[0])


def test_one_race_at_a_time_in_a_folder(tmp_path):
    chosen, first, second = setting(), race.RunStore(tmp_path), race.RunStore(tmp_path)
    first.begin(chosen, "")
    in_use = rf"used by one race at a time, but process {os.getpid()} on .* is running one in '{tmp_path}': wait"
    with first.locked():
        first.begin(chosen, "")  # who holds the lock may go on
        with pytest.raises(ValueError, match=in_use):
            second.begin(chosen, "")
        with pytest.raises(ValueError, match=in_use):
            race.run_race(chosen, second, race.LocalExecutor(1))
    second.begin(chosen, "")


def test_a_race_that_began_in_the_folder_since_it_was_checked_is_left_alone(tmp_path):
    one, other = race.RunStore(tmp_path), race.RunStore(tmp_path)
    one.check(setting())
    other.check(setting(seed=7))
    other.begin(setting(seed=7), "")
    with pytest.raises(ValueError, match="seed is 7 there and 0 here"):
        one.begin(setting(), "")


def test_a_file_system_without_locks_is_noted_and_the_race_goes_on(finished, tmp_path, monkeypatch):
    def without(_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("sofim_ref.studies.race.folder_lock.locked", without)
    shutil.copytree(finished[1], tmp_path / "race")
    seen, _, _ = run_tiny(tmp_path / "race")
    assert "on a file system without locks: let no other race run there" in seen.notes[0]


def test_what_a_process_that_was_killed_left_unfinished_is_removed(tmp_path):
    store = race.RunStore(tmp_path)
    store.begin(setting(), "")
    for left in (tmp_path / ".race.json.12", tmp_path / "runs" / ".sgd.race.seed-0.json.345"):
        left.write_text("{")
    store.begin(setting(), "")
    assert {path.name for path in tmp_path.rglob("*")} == {".lock", "race.json", "runs"}


def test_a_file_gets_its_name_when_its_content_is_on_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append([path.name for path in tmp_path.iterdir()]))
    race.RunStore(tmp_path).write("summary.json", {})
    assert synced == [[f".summary.json.{os.getpid()}"]]


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


def test_a_race_that_begins_while_the_folder_is_looked_at_is_no_other_file(finished, tmp_path, monkeypatch):
    _, path = finished
    listing = type(tmp_path).iterdir

    def begun_meanwhile(folder):
        shutil.copy(path / "race.json", folder)
        return listing(folder)

    monkeypatch.setattr(type(tmp_path), "iterdir", begun_meanwhile)
    race.RunStore(tmp_path).check(setting())
    assert (tmp_path / "race.json").exists()


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
