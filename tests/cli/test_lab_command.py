import importlib.util
import subprocess

import pytest

from sofim_ref import cli


@pytest.fixture(autouse=True)
def _extra():
    pytest.importorskip("jupytext")


def test_copies_are_written_once(tmp_path, capsys):
    folder = tmp_path / "new" / "lessons"
    assert cli.main(["lab", str(folder), "--copy-only"]) == 0
    assert f"8 lessons written to {folder}, 0 left as they were." in capsys.readouterr().out
    assert cli.main(["lab", str(folder), "--copy-only", "--teacher"]) == 0
    assert "0 lessons written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "opened"),
    [
        ([], ["jupyter", "lab"]),
        (["--no-browser"], ["jupyter", "lab", "--no-browser"]),
        (["--voila"], ["voila", "--autoreload=False"]),
        (["--voila", "--no-browser"], ["voila", "--no-browser"]),
    ],
)
def test_the_folder_is_opened_in_the_program_asked_for(options, opened, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(subprocess, "call", lambda program: seen.extend(program[2:]) or 7)
    assert cli.main(["lab", str(tmp_path), *options]) == 7
    assert seen == [*opened, str(tmp_path)]


def test_a_missing_extra_is_said_with_the_command_that_brings_it(refused, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    said = refused("lab", "--voila")
    assert "jupytext and hypothesis and voila must be installed: python -m pip install -e '.[notebooks]'" in said


def test_a_folder_that_can_t_be_written_is_refused(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        assert f"argument FOLDER: can't write to '{folder}'" in refused("lab", str(folder), "--copy-only")
