import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from sofim_ref import cli
from sofim_ref.cli import COMMANDS

FULL = Path("/dev/full")


def test_the_version_is_the_package_s(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "sofim_ref 0.1.0\n"


@pytest.mark.parametrize("arguments", [["--help"], [], *([command, "--help"] for command in COMMANDS)], ids=" ".join)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_help_fits_into_the_terminal(arguments, width, capsys, monkeypatch):
    monkeypatch.setattr(cli.app, "console", Console(width=width))
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "Usage: sofim-ref" in printed
    assert max(map(len, printed.splitlines())) <= width


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_a_help(command, capsys, monkeypatch):
    monkeypatch.setattr(cli.app, "console", Console(width=1000))
    cli.main([command, "--help"])
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("│ --"):
            assert len(line.strip("│ ").split("  ", 1)[-1].strip()) > 10, line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tuor"], "there is no command 'tuor'"),
        (["tuor"], "Did you mean 'tour'?"),
        (["TOUR"], "Did you mean 'tour'?"),
        (["tour", "--stepps", "3"], "there is no option '--stepps'. Did you mean '--steps'?"),
        (["tour", "--STEPS=3"], "there is no option '--STEPS'. Did you mean '--steps'?"),
        (["tour", "--no-quick"], "there is no option '--no-quick'"),
        (["tour", "--steps"], "argument --steps: a value is required."),
        (["tour", "--steps", "3", "--steps", "4"], "argument --steps: may be given once only."),
        (["tour", "iris"], "there are arguments too many: iris"),
        (["tour", "--steps", "0"], "argument --steps: must be a whole number >= 1, got '0'."),
        (["tour", "--steps", "many"], "argument --steps: must be a whole number >= 1, got 'many'."),
        (["tour", "--steps", "1.5"], "argument --steps: must be a whole number >= 1, got '1.5'."),
        (["tour", "--seed", "-1"], "argument --seed: must be a whole number >= 0, got '-1'."),
        (["tour", "--out", ""], "argument --out: must be a path, got ''."),
        (["convergence", "--rho", "-1"], "argument --rho: must be a finite number > 0, got '-1'."),
        (["convergence", "--rho", "nan"], "argument --rho: must be a finite number > 0, got 'nan'."),
        (["lab", ""], "argument FOLDER: must be a path, got ''."),
    ],
)
def test_a_wrong_argument_is_named_in_one_sentence(arguments, message, refused):
    assert message in refused(*arguments)


def _run(*arguments, **settings):
    program = [sys.executable, "-m", "sofim_ref", *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=False, **settings)


def test_a_wrong_argument_leaves_no_traceback_and_status_2():
    done = _run("tour", "--stepps", "3", env={**os.environ, "COLUMNS": "40"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sofim-ref: there is no option '--stepps'. Did you mean '--steps'?\n"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_version_and_help_import_nothing_heavy(arguments):
    program = (
        f"import sys; from sofim_ref.cli import main; main({arguments}); print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.strip("[]', ") for name in done.stderr.split()}
    assert not loaded & {"numpy", "scipy", "matplotlib", "sklearn", "pandas", "joblib"}


def test_a_terminal_without_greek_letters_gets_question_marks():
    done = _run("methods", "sofim", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "?I + M" in done.stdout


@pytest.mark.parametrize("arguments", ["methods", "tour --help"])
def test_a_reader_who_has_seen_enough_is_no_error(arguments):
    program = f"{sys.executable} -u -m sofim_ref {arguments} | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("arguments", ["methods", "--version", "tour --help"])
def test_a_full_disk_is_said_in_one_sentence(arguments):
    with FULL.open("w") as full:
        program = [sys.executable, "-m", "sofim_ref", *arguments.split()]
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "sofim-ref: can't write what is to be written: No space left on device.\n"


def test_a_report_that_can_t_be_written_is_said_in_one_sentence(tmp_path, capsys, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "report.html")

    monkeypatch.setattr("sofim_ref.cli.convergence.study_convergence", refuse)
    assert cli.main(["convergence", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "sofim-ref: can't write 'report.html': Read-only file system.\n"
