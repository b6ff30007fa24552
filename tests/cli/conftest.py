"""What the tests of the command line share."""

import subprocess
import sys

import pytest

from sofim_ref import cli


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    """Run a command that must be refused, in an empty folder that must stay so; return the sentence."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments):
        assert cli.main(arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("sofim-ref: ")
        assert said.err.count("\n") == 1, "more than one line"
        assert list(folder.iterdir()) == [], "something was written"
        return said.err

    return run


@pytest.fixture
def program():
    """Start ``sofim-ref`` as a process of its own, which hears Ctrl-C even where the suite itself does not."""

    def run(*arguments, **settings):
        hearing = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        command = [
            sys.executable,
            "-c",
            f"{hearing}from sofim_ref.cli import main; sys.exit(main({[str(word) for word in arguments]}))",
        ]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings)

    return run


@pytest.fixture
def mail(tmp_path):
    """A small CSV file: two features, one label."""
    pytest.importorskip("pandas")
    rows = [f"{(7 * i) % 11},{i % 5},{'spam' if (7 * i) % 11 + i % 3 > 6 else 'ham'}" for i in range(60)]
    path = tmp_path / "mail.csv"
    path.write_text("\n".join(["links,words,kind", *rows]), encoding="utf-8")
    return path


PLUGIN = """
from dataclasses import dataclass
from sofim_ref.optimizers import SGD, Method

@dataclass(frozen=True)
class Half(SGD):
    lr: float = 0.5

METHODS = [Method("Half-SGD", "Half of SGD", Half)]
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A plugin's file with one method, Half-SGD."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "plugin_of_mine.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


@pytest.fixture
def checked(tmp_path, capsys):
    """Check a file with the text given, and return the status and what was printed, on one line."""

    def run(text):
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        status = cli.main(["check", str(path)])
        said = capsys.readouterr()
        assert (said.err == "") == (status != 2)
        return status, " ".join((said.out + said.err).split())

    return run
