"""Ctrl-C in mid-race: said with the command that goes on, and the end is the same as without it."""

import os
import signal

import pytest
from processes import RACE, command_that_goes_on, run, start, wait_for_runs
from tiny import numbers

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("jobs", "whom"), [("1", "the process"), ("2", "all of the terminal's")])
def test_ctrl_c_loses_nothing_and_the_same_command_goes_on(jobs, whom, uninterrupted, tmp_path):
    with start(*RACE, "--jobs", jobs, "--out", tmp_path) as process:
        wait_for_runs(process, tmp_path, 1)
        os.kill(process.pid if whom == "the process" else -process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert f"sofim-ref: interrupted. What was computed is kept in {tmp_path}; this goes on from there:" in said
    assert "Traceback" not in said
    assert 0 < len(list(tmp_path.glob("runs/*.json"))) < len(uninterrupted)

    printed, _ = run(*command_that_goes_on(said))
    assert "are on disk from before." in printed
    assert numbers(tmp_path) == uninterrupted
