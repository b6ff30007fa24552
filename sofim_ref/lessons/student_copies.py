"""The lessons as notebooks: students' copies without solutions, teachers' copies with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SOLUTION = "solution"
"""The tag of a cell that only the teacher's copy contains."""


def sources() -> list[Path]:
    """Return the lessons' scripts, in order: beside this file when installed, in the repository otherwise.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    for folder in (Path(__file__).parent / "notebooks", Path(__file__).parents[2] / "notebooks"):
        found = sorted(folder.glob("[0-9]_*.py"))
        if found:
            return found
    msg = "the lessons' scripts must be in sofim_ref/lessons/notebooks or in notebooks/, found none."
    raise FileNotFoundError(msg)


def notebook(script: Path, *, teacher: bool = False) -> Any:
    """Return a lesson as a notebook of nbformat.

    Parameters
    ----------
    script : Path
        One of `sources`.
    teacher : bool
        Whether to include the solutions.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    ModuleNotFoundError
        If jupytext isn't installed.
    """
    import jupytext

    lesson = jupytext.read(script)
    if not teacher:
        lesson.cells = [cell for cell in lesson.cells if SOLUTION not in cell.metadata.get("tags", [])]
    return lesson


def write_copies(folder: Path, *, teacher: bool = False) -> tuple[list[Path], list[Path]]:
    """Write all lessons into a folder; files that exist, edited or not, are left unchanged.

    Parameters
    ----------
    folder : Path
        Made if it doesn't exist.
    teacher : bool
        Whether to include the solutions.

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
