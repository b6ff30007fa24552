import importlib.util
import json
import os
import subprocess
from pathlib import Path

import pytest

from sofim_ref import cli
from sofim_ref.lessons.lecture import OPTIONS, pages
from sofim_ref.lessons.student_copies import JUPYTERLAB, sources

LESSONS = len(sources())


@pytest.fixture(autouse=True)
def _extra():
    pytest.importorskip("jupytext")


@pytest.fixture
def _no_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)


def test_students_and_teachers_copies_go_to_folders_of_their_own(refused, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab", "--copy-only"]) == 0
    assert f"{LESSONS} lessons written to sofim-lessons, 0 left as they were." in capsys.readouterr().out
    assert cli.main(["lab", "--copy-only", "--teacher"]) == 0
    assert f"{LESSONS} lessons written to sofim-lessons-teacher, 0 left as they were." in capsys.readouterr().out
    assert cli.main(["lab", "--copy-only"]) == 0
    assert f"0 lessons written to sofim-lessons, {LESSONS} left as they were." in capsys.readouterr().out
    first = sources()[0].stem
    assert "solution" not in (tmp_path / "sofim-lessons" / f"{first}.ipynb").read_text(encoding="utf-8")
    assert '"solution"' in (tmp_path / "sofim-lessons-teacher" / f"{first}.ipynb").read_text(encoding="utf-8")
    said = refused("lab", "sofim-lessons", "--copy-only", "--teacher")
    assert f"argument FOLDER: sofim-lessons holds students' copies ({first}.ipynb and others), which stay" in said
    assert "name another folder for teachers' copies, or none." in said
    assert "holds teachers' copies" in refused("lab", "sofim-lessons-teacher", "--copy-only")


SETTINGS = f"--LabApp.app_settings_dir={JUPYTERLAB}"


@pytest.mark.parametrize(
    ("options", "opened"),
    [
        ([], ["jupyter", "lab", SETTINGS]),
        (["--no-browser"], ["jupyter", "lab", "--no-browser", SETTINGS]),
        (["--allow-root", "--ip", "0.0.0.0"], ["jupyter", "lab", "--allow-root", "--ip=0.0.0.0", SETTINGS]),
    ],
)
@pytest.mark.usefixtures("_no_root")
def test_the_folder_is_opened_in_the_program_asked_for(options, opened, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(subprocess, "call", lambda program: seen.extend(program[2:]) or 7)
    assert cli.main(["lab", str(tmp_path), *options]) == 7
    assert seen == [*opened, str(tmp_path)]


@pytest.mark.parametrize(
    ("options", "told"),
    [([], ["--autoreload=False"]), (["--no-browser", "--ip=0.0.0.0"], ["--no-browser", "--Voila.ip=0.0.0.0"])],
)
def test_a_lecture_is_served_with_a_page_of_its_own(options, told, refused, tmp_path, monkeypatch):
    seen = []

    def call(program, env):
        seen.extend([*program[2:-1], len(list(Path(program[-1]).glob("*.ipynb"))), env["JUPYTER_PATH"]])
        return 7

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setenv("JUPYTER_PATH", "mine")
    assert cli.main(["lab", "--lecture", *options]) == 7  # as root too
    *program, count, path = seen
    assert program == ["voila", *OPTIONS, *told]
    assert count == LESSONS
    templates, mine = path.split(os.pathsep)
    assert (Path(templates) / "voila/templates/lecture/index.html.j2").exists()
    assert mine == "mine"
    assert "must hold copies of the lessons, found none" in refused("lab", str(tmp_path), "--lecture")


@pytest.mark.parametrize("kind", ["slides", "handout"])
def test_pages_are_written_where_they_are_wanted(kind, tmp_path, monkeypatch, capsys):
    pytest.importorskip("nbconvert")
    monkeypatch.chdir(tmp_path)
    asked = {}

    def write(folder, **given):
        asked.update(given, folder=folder)
        yield folder / "page.html"

    monkeypatch.setattr(pages, "write_slides" if kind == "slides" else "write_handouts", write)
    monkeypatch.setattr(pages, "printer", lambda: None)
    assert cli.main(["lab", f"--{kind}", "--teacher"]) == 0
    said = capsys.readouterr().out
    slides, handouts = {"folder": Path("sofim-slides")}, {"folder": Path("sofim-handouts"), "teacher": True}
    assert asked == (slides if kind == "slides" else handouts)
    assert str(asked["folder"] / "page.html") in said
    assert ("No PDF is made" in said) == (kind == "handout")


def test_root_is_told_what_to_add(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    said = refused("lab", str(tmp_path))
    assert "argument --allow-root: JupyterLab starts as root only if it is told to: add --allow-root" in said
    assert "or --copy-only to write the copies and open nothing" in said
    assert "in a container also --no-browser --ip 0.0.0.0;" in said
    assert list(tmp_path.glob("*.ipynb")) == []
    monkeypatch.setattr(subprocess, "call", lambda _: 0)
    assert cli.main(["lab", str(tmp_path), "--copy-only"]) == 0


def test_jupyterlab_neither_asks_for_news_nor_for_versions():
    quiet = json.loads((JUPYTERLAB / "overrides.json").read_text(encoding="utf-8"))
    assert quiet == {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def test_a_missing_extra_is_said_with_the_command_that_brings_it(refused, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    said = refused("lab", "--lecture")
    assert "jupytext and hypothesis and voila must be installed: python -m pip install -e '.[notebooks]'" in said


def test_a_folder_that_can_t_be_written_is_refused(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        assert f"argument FOLDER: can't write to '{folder}'" in refused("lab", str(folder), "--copy-only")
