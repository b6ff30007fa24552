"""A lesson cut into screens: text that fits one, one figure on each, and a break after every prediction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import Any

from sofim_ref.lessons.student_copies import EXERCISE, SOLUTION, TEACHER, notebook, sources

LINE, LINES, PRINTED = 66, 19, 4
"""A line's length in characters, how many lines a screen has, and how many of them what a cell prints is given."""

SHOWN = ("demos.", "LiveFigure(", "InteractiveFigure(")
"""How the last statement of a cell begins that shows a figure."""

SHARP = "from sofim_ref.lessons import interactive_figure\n\ninteractive_figure.DPI = 120"
"""What makes figures large enough for a projector; this cell isn't shown."""

LEFT_OUT = {TEACHER, SOLUTION, EXERCISE}


def lecture(lesson: Any) -> Any:
    """Return a lesson for a lecture: no exercises, nothing for the teacher alone, cut into screens.

    Parameters
    ----------
    lesson : nbformat.NotebookNode
        A student's or a teacher's copy, with or without edits.

    Returns
    -------
    nbformat.NotebookNode
        Its cells that begin a screen have ``screen`` in their metadata, those that show a figure ``figure``, and
        one that is run and not shown ``unseen``.
    """
    from nbformat.v4 import new_code_cell

    told = deepcopy(lesson)
    told.cells = list(_screens(list(_pieces(told.cells))))
    sharp = new_code_cell(SHARP, metadata={"unseen": True})  # type: ignore[no-untyped-call]  # as nbformat's
    told.cells.insert(1, sharp)
    return told


def write_lectures(folder: Path, copies: Path | None = None) -> list[Path]:
    """Write the lectures of all lessons, or of the copies in a folder, and return their files.

    Parameters
    ----------
    folder : Path
        Where they go; files of the same name are overwritten.
    copies : Path, optional
        A folder with notebooks.
    """
    import jupytext

    found = {path.stem: jupytext.read(path) for path in copies.glob("*.ipynb")} if copies else {}
    found = found or {script.stem: notebook(script) for script in sources()}
    for name, lesson in found.items():
        jupytext.write(lecture(lesson), folder / f"{name}.ipynb")
    return [folder / f"{name}.ipynb" for name in found]


def _pieces(cells: list[Any]) -> Iterator[Any]:
    """Yield the cells that are shown; text is cut before headings and after predictions."""
    for cell in cells:
        if LEFT_OUT & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type != "markdown":
            yield cell
            continue
        text = re.sub(r"^## Exercises\s*$", "", cell.source, flags=re.MULTILINE).strip()
        for piece in re.split(r"(?m)^(?=## )", text):
            for number, part in enumerate(_after_predictions(piece)):
                if part.strip():
                    yield _text(cell, part.strip(), begins=number > 0 or part.startswith("#"))


def _after_predictions(text: str) -> Iterator[str]:
    """Yield a text's parts, each but the last of which ends with a prediction."""
    part: list[str] = []
    for paragraph in text.split("\n\n"):
        part.append(paragraph)
        if "**Predict:**" in paragraph:
            yield "\n\n".join(part)
            part = []
    yield "\n\n".join(part)


def _screens(pieces: list[Any]) -> Iterator[Any]:
    """Yield the pieces, those marked that begin a screen; a text too long for one is cut between paragraphs."""
    used, full = 0, True
    for piece in pieces:
        if piece.cell_type != "markdown":
            figure = _shows(piece.source)
            begins = full or figure or used + PRINTED > LINES
            used = PRINTED + (0 if begins else used)
            piece.metadata.update({"screen": begins, "figure": figure})
            full = figure
            yield piece
            continue
        full = full or piece.metadata.pop("begins")
        rest = _kept_together(piece.source)
        while rest:
            room = LINES - (0 if full else used)
            taken = sum(1 for height in accumulate(map(_height, rest)) if height <= room)
            full = full or not taken
            taken = taken or 1
            cell = _text(piece, "\n\n".join(rest[:taken]))
            cell.metadata.update({"screen": full, "figure": False})
            used = sum(map(_height, rest[:taken])) + (0 if full else used)
            rest = rest[taken:]
            full = bool(rest)
            yield cell
        full = "**Predict:**" in piece.source.split("\n\n")[-1]


def _shows(source: str) -> bool:
    """Whether a cell of code ends with a figure."""
    statements = ast.parse(source).body
    return bool(statements) and ast.unparse(statements[-1]).startswith(SHOWN)


def _kept_together(text: str) -> list[str]:
    """Return a text's paragraphs, a formula with the sentence that it ends, a heading with what follows it."""
    parts = re.split(r"\n\n(?!\$\$)", text)
    if parts[0].startswith("#"):
        parts[:2] = ["\n\n".join(parts[:2])]
    return parts


def _height(text: str) -> int:
    """Return about how many lines a text takes on a screen, with the space below each paragraph."""
    lines = 0
    for paragraph in text.split("\n\n"):
        items = re.split(r"(?m)^(?:- |\d+\. )", paragraph)
        plain = [re.sub(r"\]\([^)]*\)|\\[a-z]+|[{}$\s]+", " ", item) for item in items]
        formula, heading = 3 + 2 * paragraph.count(r"\\\\"), 3
        of_text = 1 + sum(ceil(len(item) / LINE) for item in plain)
        lines += formula if paragraph.startswith("$$") else heading if paragraph.startswith("#") else of_text
    return lines


def _text(cell: Any, source: str, *, begins: bool = False) -> Any:
    """Return a cell of text with other text, and whether it begins a screen whatever its length."""
    from nbformat.v4 import new_markdown_cell

    tags = {name: value for name, value in cell.metadata.items() if name not in ("screen", "figure", "begins")}
    return new_markdown_cell(source, metadata={**tags, "begins": begins})  # type: ignore[no-untyped-call]  # as nbformat's
