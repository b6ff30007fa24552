"""A verdict for each exercise of each copy, and the table of all."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from sofim_ref.lessons.check import check
from sofim_ref.lessons.exercises import EXERCISES
from sofim_ref.lessons.marks.copies import Copy, copies
from sofim_ref.lessons.marks.process import Confined, Gone


@dataclass(frozen=True)
class Mark:
    """A row of the table.

    Parameters
    ----------
    student : str
    lesson : str
        The copy's file.
    exercise : str
        Empty where the copy can't be read.
    verdict : str
        "right", "wrong", "blank" (nothing is written), "missing" (there is no such function), "stopped" (the code
        took more time or memory than is allowed, or ended its process) or "unreadable" (no notebook, or a teacher's).
    mistake : str
        The hint of the known mistake that a wrong answer agrees with; empty if there is none.
    message : str
        What the check says, or what the code cell raised in which the function is to be defined.
    """

    student: str
    lesson: str
    exercise: str
    verdict: str
    mistake: str = ""
    message: str = ""


def mark(folder: Path) -> Iterator[Mark]:
    """Yield the marks of all copies in a folder; their code runs in a process behind walls.

    Parameters
    ----------
    folder : Path
        With a folder for each student, or with all copies, each student's name in the file's.

    Yields
    ------
    Mark
        One for each exercise of each copy, by student.
    """
    with Confined(folder) as process:
        for copy in copies(folder):
            yield from _marked(copy, process)


def _marked(copy: Copy, process: Confined) -> Iterator[Mark]:
    if copy.trouble:
        yield Mark(copy.student, copy.path.name, "", "unreadable", message=copy.trouble)
        return
    code, troubles, gone = copy.code(), None, ""
    for name in copy.exercises:
        try:
            if not gone and (troubles is None or process.ended):  # another exercise's call has ended it
                troubles = process.run(code)
        except Gone as error:
            gone = str(error)
            process.stop()
        verdict = ("stopped", "", gone) if gone else _verdict(name, process, copy, troubles or [])
        yield Mark(copy.student, copy.path.name, name, *verdict)


def _verdict(name: str, process: Confined, copy: Copy, troubles: list[str]) -> tuple[str, str, str]:
    kind = process.kind(name)
    if kind == "thing":
        return "wrong", "", f"{name} is to be a function"
    if kind == "missing":
        said = [f"code cell {number} raised {what}" if what else "" for number, what in enumerate(troubles, 1)]
        cell = copy.cell_of(name)
        return ("missing", "", "; ".join(filter(None, said))) if cell is None else ("wrong", "", said[cell])
    if kind != "function":
        return kind, "", ""
    exercise = EXERCISES[name]
    found = check(exercise, process.function(name, list(exercise.arguments)), smallest=False)
    if found.late:
        process.stop()
    verdict = "right" if found.right else "stopped" if process.ended else "wrong"
    return verdict, found.hint, found.text.splitlines()[0]


def write_marks(marks: Iterable[Mark], path: Path) -> list[Mark]:
    """Write marks as CSV, and return them.

    Parameters
    ----------
    marks : iterable of Mark
    path : Path
        Overwritten if it exists.

    Returns
    -------
    list of Mark

    Notes
    -----
    A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    found = list(marks)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(field.name for field in fields(Mark))
        rows.writerows(map(_harmless, astuple(row)) for row in found)
    return found


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
