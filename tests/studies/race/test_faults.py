"""Faults of real processes and real disks: nothing that was finished is lost, nothing unfinished is read."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from processes import RACE, command_that_goes_on, run, start, wait_for_runs
from tiny import numbers

from sofim_ref.studies.race import folder_lock

pytestmark = pytest.mark.slow

CLOCK = """import time
_true, _started = time.time, time.monotonic()
time.time = lambda: _true() - 3600.0 * int(5 * (time.monotonic() - _started))
"""
"""A clock that is set back by an hour every 0.2 seconds."""


def contents(folder):
    """Every result that is on disk, as bytes."""
    return {file.name: file.read_bytes() for file in folder.glob("runs/*.json")}


def mounted(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a disk of its own can't be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 160 KiB, too small for the race, and a function that makes it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted("-t", "tmpfs", "-o", "size=160k", "tmpfs", folder)
    try:
        yield folder, lambda: mounted("-o", "remount,size=64m", folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def immutable(folder):
    """Let nobody, not even root, make files in a folder."""
    done = subprocess.run(["chattr", "+i", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a folder can't be made immutable here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", folder], check=True)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_race_that_is_killed_again_and_again_ends_as_if_it_never_had_been(jobs, uninterrupted, tmp_path):
    psutil = pytest.importorskip("psutil")
    deaths = 0
    while True:
        before = contents(tmp_path)
        with start(*RACE, "--jobs", jobs, "--out", tmp_path) as process:
            wait_for_runs(process, tmp_path, len(before) + 5)
            if process.poll() is not None:
                break
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
        deaths += 1
        after = contents(tmp_path)
        assert before.items() <= after.items()
        assert all(json.loads(content)["job"] for content in after.values())
        assert psutil.wait_procs(children, timeout=30)[1] == [], "a worker has outlived the race"
    assert deaths >= 2
    assert numbers(tmp_path) == uninterrupted


@pytest.mark.parametrize("wait", [0.0, 0.5, 1.0])
def test_workers_that_have_run_nothing_yet_end_with_a_race_that_is_killed(wait, tmp_path):
    psutil = pytest.importorskip("psutil")
    with start(*RACE, "--jobs", "2", "--out", tmp_path) as process:
        while len(children := psutil.Process(process.pid).children()) < 3:  # one of them counts joblib's files
            assert process.poll() is None
            time.sleep(0.002)
        time.sleep(wait)
        process.kill()
    assert psutil.wait_procs(children, timeout=30)[1] == [], "a worker has outlived the race"


@pytest.mark.parametrize("wait", [0.0, 0.3])
def test_a_race_that_is_killed_as_it_begins_can_be_begun_again(wait, uninterrupted, tmp_path):
    folder = tmp_path / "race"
    with start(*RACE, "--jobs", "1", "--out", folder) as process:
        while not folder.exists():
            time.sleep(0.001)
        time.sleep(wait)
        process.kill()
    run(*RACE, "--jobs", "1", "--out", folder)
    assert numbers(folder) == uninterrupted


def test_a_full_disk_is_said_in_a_sentence_and_with_more_room_the_race_goes_on(small_disk, uninterrupted):
    folder, enlarge = small_disk
    _, said = run(*RACE, "--jobs", "2", "--out", folder, status=1)
    named = re.escape(str(folder / "runs")) + r"/[a-z]+\.(trial-\d+|race)\.seed-\d+\.json"
    assert re.search(
        rf"(?m)^sofim-ref: can't write '{named}': No space left on device\. What was computed is kept", said
    )
    kept = contents(folder)
    assert 0 < len(kept) < len(uninterrupted)
    enlarge()
    run(*command_that_goes_on(said))
    assert kept.items() <= contents(folder).items()
    assert numbers(folder) == uninterrupted


def test_a_folder_in_which_nothing_can_be_written_any_more_is_said_and_the_race_goes_on_later(uninterrupted, tmp_path):
    with start(*RACE, "--jobs", "2", "--out", tmp_path) as process:
        wait_for_runs(process, tmp_path, 3)
        with immutable(tmp_path / "runs"):
            _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert re.search(
        r"(?m)^sofim-ref: can't read or write '.*\.json': Operation not permitted\. What was computed", said
    )
    assert "Traceback" not in said
    assert list((tmp_path / "runs").glob(".*")) == []
    kept = contents(tmp_path)
    run(*command_that_goes_on(said))
    assert kept.items() <= contents(tmp_path).items()
    assert numbers(tmp_path) == uninterrupted


def test_a_race_that_can_t_even_print_keeps_what_it_computed(uninterrupted, tmp_path):
    program = ["bash", "-c", 'exec "$0" -m sofim_ref "$@" > /dev/full', sys.executable, *RACE, "--out", str(tmp_path)]
    done = subprocess.run(program, stderr=subprocess.PIPE, text=True, check=False, timeout=300)
    assert done.returncode == 1
    assert "can't write what is to be written: No space left on device." in done.stderr
    assert "Traceback" not in done.stderr
    run(*RACE, "--out", tmp_path)
    assert numbers(tmp_path) == uninterrupted


@pytest.mark.parametrize("seed", ["0", "7"])
def test_a_second_race_in_the_folder_is_refused_and_the_first_ends_as_if_it_were_alone(seed, uninterrupted, tmp_path):
    with start(*RACE, "--jobs", "2", "--out", tmp_path) as process:
        wait_for_runs(process, tmp_path, 1)
        _, said = run(*RACE, "--seed", seed, "--jobs", "1", "--out", tmp_path, status=2)
        assert process.poll() is None, "the first has ended already: this shows nothing"
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert said.count("\n") == 1
    assert ("seed is 0 there and 7 here" if seed == "7" else f"but process {process.pid} on ") in said
    assert numbers(tmp_path) == uninterrupted


def test_of_two_races_that_begin_at_once_one_runs_and_the_other_is_refused(tmp_path):
    folder = tmp_path / "race"
    both = [start(*RACE, "--seed", seed, "--jobs", "1", "--out", folder) for seed in ("0", "7")]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2], said
    (refusal,) = (text for text in said if "argument" in text)  # the other may tell how far it is
    assert re.match(r"sofim-ref: argument --out: the results folder must be [^\n]*\n$", refusal)
    won = json.loads((folder / "race.json").read_text())["setting"]["seed"]
    assert {json.loads(text)["job"]["seed"] % 10**6 - won for text in contents(folder).values()} <= {0, 1, 2}


def test_a_clock_that_is_set_back_changes_nothing(uninterrupted, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    settings = {"env": {**os.environ, "PYTHONPATH": str(tmp_path)}}
    folder = tmp_path / "race"
    with start(*RACE, "--jobs", "2", "--out", folder, **settings) as process:
        wait_for_runs(process, folder, 4)
        process.send_signal(signal.SIGINT)
    kept = contents(folder)
    printed, _ = run(*RACE, "--jobs", "2", "--out", folder, **settings)
    assert "are on disk from before." in printed
    assert kept.items() <= contents(folder).items()
    for text in contents(folder).values():
        seconds = json.loads(text)["curves"]["seconds"]
        assert seconds[0] == 0.0
        assert seconds == sorted(seconds)
        assert seconds[-1] < 60.0
    assert numbers(folder) == uninterrupted


def test_the_lock_s_file_says_nothing_when_nobody_holds_it(tmp_path):
    with folder_lock.locked(tmp_path), pytest.raises(BlockingIOError, match=f"process {os.getpid()} on "):
        folder_lock.locked(tmp_path).__enter__()
    with folder_lock.locked(tmp_path):
        pass
