"""A lecture is a lesson without exercises and teacher's notes, cut into screens; nothing else of it is lost."""

import functools
import re
from itertools import pairwise

import pytest

from sofim_ref.lessons.lecture import lecture, write_lectures
from sofim_ref.lessons.student_copies import EXERCISE, SOLUTION, TEACHER, notebook, sources

EVERY = pytest.mark.parametrize("script", sources(), ids=lambda path: path.stem)
lessons = functools.cache(notebook)


def words(cells):
    return " ".join(cell.source for cell in cells if cell.cell_type == "markdown").replace("## Exercises", "").split()


@EVERY
def test_a_lecture_has_the_lesson_s_text_and_code_and_nothing_else(script):
    lesson = lessons(script, teacher=True)
    told = lecture(lesson)
    kept = [cell for cell in lesson.cells if not {EXERCISE, SOLUTION, TEACHER} & set(cell.metadata.get("tags", []))]
    assert words(told.cells) == words(kept)
    code = [cell.source for cell in told.cells if cell.cell_type == "code" and not cell.metadata.get("unseen")]
    assert code == [cell.source for cell in kept if cell.cell_type == "code"]


@EVERY
def test_a_screen_has_one_figure_at_most_and_ends_with_a_prediction(script):
    told = [cell for cell in lecture(lessons(script)).cells if not cell.metadata.get("unseen")]
    assert told[0].metadata.screen
    drawn = re.compile(r"^(demos\.|LiveFigure\(|InteractiveFigure\()", flags=re.MULTILINE)
    assert [cell.metadata.figure for cell in told] == [
        cell.cell_type == "code" and bool(drawn.search(cell.source)) for cell in told
    ]
    starts = [i for i, cell in enumerate(told) if cell.metadata.screen] + [len(told)]
    for start, end in pairwise(starts):
        assert sum(cell.metadata.figure for cell in told[start:end]) <= 1
        assert all("**Predict:**" not in cell.source for cell in told[start : end - 1])
        assert all(not re.match("##? ", cell.source) for cell in told[start + 1 : end])
    assert len(starts) > 8


def test_copies_with_edits_are_told_as_they_are(tmp_path):
    import jupytext

    lesson = lessons(sources()[0])
    mine = jupytext.reads("# %% [markdown]\n# # Mine\n\n# %%\n1 + 1\n", "py:percent")
    mine.metadata["kernelspec"] = lesson.metadata["kernelspec"]
    (tmp_path / "copies").mkdir()
    jupytext.write(mine, tmp_path / "copies" / "1_mine.ipynb")
    assert [path.name for path in write_lectures(tmp_path, tmp_path / "copies")] == ["1_mine.ipynb"]
    assert [cell.source for cell in jupytext.read(tmp_path / "1_mine.ipynb").cells][::2] == ["# Mine", "1 + 1"]
