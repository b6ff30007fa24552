"""The lessons as notebooks, made of their scripts and of `EXERCISES`: students' copies, and teachers' with answers.

A lesson's script in ``notebooks/`` is plain text and code, with four kinds of cell that are marked in their first line:

``# %% exercise="woodbury"``
    An empty cell in whose place stand the exercise's task and a blank function with its check. In the teacher's copy
    the reference solution and the recognized mistakes follow.
``# %% [markdown] exercise="open"``
    An exercise without a check: its text is the cell's. Its answer belongs into a teacher's cell below it.
``# %% [markdown] tags=["teacher"]``
    For the teacher alone: answers to predictions and to open exercises, notes on what usually goes wrong.
``# %% tags=["teacher"]``
    The same as code.

Exercises are numbered in the order in which they stand. Cells that are made of them have the tag ``exercise``, so that
a lecture can leave them out.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sofim_ref.lessons.exercise import Exercise
from sofim_ref.lessons.exercises import EXERCISES

TEACHER, EXERCISE, SOLUTION = "teacher", "exercise", "solution"
"""The tags of cells: for the teacher alone, of an exercise, and of its solution, which is for the teacher too."""
STUDENT = "student"


JUPYTERLAB = Path(__file__).parent / "jupyterlab"
"""The folder of JupyterLab's settings for the lessons: it neither asks for news nor for newer versions of itself."""


def sources() -> list[Path]:
    """Return the lessons' scripts, in order: beside this file when installed, in the repository otherwise.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    for folder in (Path(__file__).parent / "notebooks", Path(__file__).parents[2] / "notebooks"):
        found = sorted(folder.glob("[0-9]*_*.py"), key=number)
        if found:
            return found
    msg = "the lessons' scripts must be in sofim_ref/lessons/notebooks or in notebooks/, found none."
    raise FileNotFoundError(msg)


def number(script: Path) -> int:
    """Return a lesson's number, with which its file's name begins."""
    return int(script.stem.partition("_")[0])


def notebook(script: Path, *, teacher: bool = False) -> Any:
    """Return a lesson as a notebook of nbformat.

    Parameters
    ----------
    script : Path
        One of `sources`.
    teacher : bool
        Whether to include solutions and notes for the teacher.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    ModuleNotFoundError
        If jupytext isn't installed.
    KeyError
        If the script asks for an exercise that doesn't exist.
    """
    import jupytext

    lesson = jupytext.read(script)
    asked, cells = 0, []
    for cell in lesson.cells:
        name = cell.metadata.get("exercise")
        asked += name is not None
        heading = f"### Exercise {number(script)}.{asked}"
        if name is None:
            cells.append(cell)
        elif name == "open":
            cells.append(_markdown(f"{heading}\n\n{cell.source}", EXERCISE))
        else:
            cells.extend(_asked(EXERCISES[name], heading))
    lesson.cells = [cell for cell in cells if teacher or not {TEACHER, SOLUTION} & set(cell.metadata.get("tags", []))]
    lesson.metadata["sofim_ref"] = {"copy": TEACHER if teacher else STUDENT}
    return lesson


def _asked(exercise: Exercise, heading: str) -> Iterator[Any]:
    """Yield an exercise's task, its blank, its solution, and the mistakes that the check recognizes."""
    check = f'\n\ncheck("{exercise.name}", {exercise.name})'
    yield _markdown(f"{heading}: `{exercise.signature}`\n\n{exercise.task}", EXERCISE)
    yield _code(f"def {exercise.signature}:\n    ...\n{check}", EXERCISE, exercise.name)
    yield _code(f"{inspect.getsource(exercise.reference)}{check}", SOLUTION, exercise.name)
    hints = "\n".join(f"- {mistake.hint}" for mistake in exercise.mistakes)
    yield _markdown(f"The check recognizes these mistakes, and says:\n\n{hints}", TEACHER)


def _markdown(text: str, *tags: str) -> Any:
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(text, metadata={"tags": list(tags)})  # type: ignore[no-untyped-call]  # as nbformat's


def _code(source: str, tag: str, exercise: str) -> Any:
    from nbformat.v4 import new_code_cell

    return new_code_cell(source, metadata={"tags": [tag], "exercise": exercise})  # type: ignore[no-untyped-call]  # the same


def write_copies(folder: Path, *, teacher: bool = False) -> tuple[list[Path], list[Path]]:
    """Write all lessons into a folder; files that exist, edited or not, are left unchanged.

    Parameters
    ----------
    folder : Path
        Made if it doesn't exist.
    teacher : bool
        Whether to include solutions and notes for the teacher.

    Returns
    -------
    tuple of list of Path
        The files written, and those that existed and were left unchanged.
    """
    import jupytext

    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for script in sources():
        path = folder / f"{script.stem}.ipynb"
        if path.exists():
            kept.append(path)
            continue
        jupytext.write(notebook(script, teacher=teacher), path)
        written.append(path)
    return written, kept


def other_copies(folder: Path, *, teacher: bool) -> list[Path]:
    """Return the copies in a folder that are students' where teachers' are wanted, or teachers' where students' are."""
    other = STUDENT if teacher else TEACHER
    return [path for script in sources() if kind(path := folder / f"{script.stem}.ipynb") == other]


def kind(path: Path) -> str | None:
    """Return whether a notebook is a student's copy or a teacher's; None if it is none of ours."""
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
        return str(metadata["sofim_ref"]["copy"])
    except (OSError, ValueError, LookupError, TypeError):  # not one of ours
        return None
