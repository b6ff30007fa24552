"""Ctrl-C in mid-race: said with the command that goes on, and the end is the same as without it."""

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from tiny import numbers

RACE = "race diabetes --methods sofim,sgd --trials 3 --tuning-seeds 1 --seeds 3 --epochs 300 --out".split()


def start(arguments, folder):
    program = [sys.executable, "-m", "sofim_ref", *arguments]
    return subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, start_new_session=True
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    with start([*RACE, "whole", "--jobs", "2"], folder) as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return numbers(folder / "whole")


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("whom", ["the process", "all of the terminal's"])
def test_ctrl_c_loses_nothing_and_the_same_command_goes_on(jobs, whom, expected, tmp_path):
    with start([*RACE, "cut", "--jobs", jobs], tmp_path) as process:
        while not list(tmp_path.glob("cut/runs/*.json")) and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid if whom == "the process" else -process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "sofim-ref: interrupted. What was computed is kept in cut; this goes on from there:" in said
    assert "Traceback" not in said
    assert 0 < len(list(tmp_path.glob("cut/runs/*.json"))) < len(expected)

    (again,) = [line for line in said.splitlines() if line.startswith("sofim-ref race")]
    with start(shlex.split(again)[1:], tmp_path) as process:
        printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "are on disk from before." in printed
    assert numbers(tmp_path / "cut") == expected
