"""Ctrl-C in mid-race: said with the command that goes on, and the end is the same as without it."""

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from tiny import numbers

pytestmark = pytest.mark.slow
PROGRAM = """import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from sofim_ref.cli import main
sys.exit(main())"""
METHODS = ["--methods", "sofim,sgd", "--trials", "3", "--tuning-seeds", "1", "--seeds", "3", "--epochs", "300"]


def start(*arguments):
    """Start the command with the default handler of Ctrl-C, even if this process was started with it ignored."""
    program = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    store = tmp_path_factory.mktemp("expected")
    with start("race", "diabetes", *METHODS, "--jobs", "2", "--out", str(store)) as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return numbers(store)


@pytest.mark.parametrize(("jobs", "whom"), [("1", "the process"), ("2", "all of the terminal's")])
def test_ctrl_c_loses_nothing_and_the_same_command_goes_on(jobs, whom, expected, tmp_path):
    with start("race", "diabetes", *METHODS, "--jobs", jobs, "--out", str(tmp_path)) as process:
        while not list(tmp_path.glob("runs/*.json")) and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid if whom == "the process" else -process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert f"sofim-ref: interrupted. What was computed is kept in {tmp_path}; this goes on from there:" in said
    assert "Traceback" not in said
    assert 0 < len(list(tmp_path.glob("runs/*.json"))) < len(expected)

    (again,) = [line for line in said.splitlines() if line.startswith("sofim-ref race")]
    with start(*shlex.split(again)[1:]) as process:
        printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "are on disk from before." in printed
    assert numbers(tmp_path) == expected
