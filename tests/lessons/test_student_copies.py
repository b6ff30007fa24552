"""The student's copy holds no solution, the teacher's holds all; neither overwrites what is there; both run."""

import json
import re

import pytest

from sofim_ref import cli
from sofim_ref.lessons import EXERCISES
from sofim_ref.lessons.exercises import LESSONS
from sofim_ref.lessons.student_copies import SOLUTION, notebook, sources, write_copies

EVERY = pytest.mark.parametrize("script", sources(), ids=lambda path: path.stem)


def code(lesson):
    return [cell.source for cell in lesson.cells if cell.cell_type == "code"]


def test_there_are_eight_and_each_has_the_exercises_of_its_file():
    scripts = sources()
    assert [path.name[0] for path in scripts] == list("12345678")
    for script, lesson in zip(scripts, LESSONS, strict=True):
        asked = re.findall(r'^check\("(\w+)"', script.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert sorted(asked) == sorted(exercise.name for exercise in lesson.EXERCISES)


@EVERY
def test_a_lesson_has_what_every_lesson_has(script):
    cells = notebook(script, teacher=True).cells
    first = cells[0].source.splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith("?")
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for part in ("**Before you run anything", "**Predict:**", "**What we saw.**", "### For the teacher", "### Sources"):
        assert part in text
    assert any(line.startswith("demos.") for source in code(notebook(script)) for line in source.splitlines())


@EVERY
def test_the_student_s_copy_holds_no_solution(script):
    teacher, student = notebook(script, teacher=True), notebook(script)
    solutions = [cell.source for cell in teacher.cells if SOLUTION in cell.metadata.get("tags", [])]
    assert len(solutions) >= 2
    text = json.dumps([cell.source for cell in student.cells], ensure_ascii=False)
    for solution in solutions:
        body = [line.strip() for line in solution.splitlines() if line.strip().startswith("return ")]
        assert body
        assert all(json.dumps(line, ensure_ascii=False)[1:-1] not in text for line in body)
    assert "assert check(" not in text


@pytest.mark.slow
@EVERY
def test_the_student_s_copy_runs_to_its_end_with_nothing_filled_in(script):
    names = {}
    for source in code(notebook(script)):
        exec(compile(source, script.name, "exec"), names)
    asked = [name for name in EXERCISES if name in names and callable(names[name])]
    assert asked
    assert all("it returned nothing" in names["check"](name, names[name]).text for name in asked)


def test_copies_never_overwrite_an_edit(tmp_path, capsys):
    assert cli.main(["lab", str(tmp_path), "--copy-only"]) == 0
    assert "8 lessons written" in capsys.readouterr().out
    edited = min(tmp_path.glob("*.ipynb"))
    edited.write_text("mine", encoding="utf-8")
    written, kept = write_copies(tmp_path, teacher=True)
    assert (written, len(kept)) == ([], 8)
    assert edited.read_text(encoding="utf-8") == "mine"
    edited.unlink()
    assert cli.main(["lab", str(tmp_path), "--copy-only", "--teacher"]) == 0
    assert "1 lessons written" in capsys.readouterr().out
    assert SOLUTION in edited.read_text(encoding="utf-8")
