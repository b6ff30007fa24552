"""Races as processes of their own, which a test can interrupt and kill."""

import shlex
import subprocess
import sys
import time

PROGRAM = """import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from sofim_ref.cli import main
sys.exit(main())"""
"""The command with the default handler of Ctrl-C, even if this process was started with it ignored."""

RACE = ["race", "diabetes", "--methods", "sofim,sgd", "--trials", "3", "--tuning-seeds", "1", "--seeds", "3"]
RACE += ["--epochs", "60"]
"""A race of twelve runs."""


def start(*arguments, **settings):
    """Start ``sofim-ref`` in a session of its own."""
    program = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **settings
    )


def run(*arguments, status=0, **settings):
    """Run ``sofim-ref`` to its end, and return what it printed and what it said of errors."""
    with start(*arguments, **settings) as process:
        printed, said = process.communicate(timeout=300)
    assert process.returncode == status, said
    assert "Traceback" not in said
    return printed, said


def wait_for_runs(process, folder, count):
    """Wait until so many runs are on disk, or the process has ended."""
    while len(list(folder.glob("runs/*.json"))) < count and process.poll() is None:
        time.sleep(0.002)


def command_that_goes_on(said):
    """Return the arguments of the command that an interrupted race says."""
    (again,) = [line for line in said.splitlines() if line.startswith("sofim-ref race")]
    return shlex.split(again)[1:]
