"""What students hand in: which files are copies of which lesson by whom, and which of their lines are run."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sofim_ref.lessons.exercises import EXERCISES
from sofim_ref.lessons.student_copies import TEACHER, kind, notebook, sources

LARGEST = 2**26
"""Bytes in a notebook."""


@dataclass(frozen=True)
class Copy:
    """A notebook that a student handed in.

    Parameters
    ----------
    student : str
        The name of the first folder below the one that is marked; of a notebook that lies there itself, its own name
        without the lesson's or, where that is all, the marked folder's.
    path : Path
        The file.
    cells : tuple of str
        The code of its cells.
    exercises : tuple of str
        The names of the exercises that it is to answer, or does.
    trouble : str
        Why it can't be read, or isn't a student's; empty otherwise.
    """

    student: str
    path: Path
    cells: tuple[str, ...] = ()
    exercises: tuple[str, ...] = ()
    trouble: str = ""

    def code(self) -> list[str]:
        """Return what is run: the student's own cells whole, and of a lesson's what it imports and defines."""
        return [cell if cell not in _lesson_cells() else _definitions(cell) for cell in map(_plain, self.cells)]

    def cell_of(self, name: str) -> int | None:
        """Return the index of the last cell that defines a function of this name; None if none does."""
        found = [i for i, cell in enumerate(self.cells) if name in _defined(_plain(cell))]
        return found[-1] if found else None


def copies(folder: Path) -> Iterator[Copy]:
    """Yield the notebooks in a folder, by student and then by name; what a notebook server saved aside is left out."""
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") for part in parts):
            yield _read(path, parts[0] if len(parts) > 1 else _own_name(path))


def _read(path: Path, student: str) -> Copy:
    try:
        if path.stat().st_size > LARGEST:
            return Copy(student, path, trouble=f"the file is larger than {LARGEST // 2**20} MiB")
        found = json.loads(path.read_text(encoding="utf-8"))
        cells = tuple("".join(cell["source"]) for cell in found["cells"] if cell["cell_type"] == "code")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        return Copy(student, path, trouble=f"the file is no notebook: {type(error).__name__}")
    if kind(path) == TEACHER:
        return Copy(student, path, trouble="the file is a teacher's copy, with all solutions")
    expected = {name for script in sources() if script.stem in path.stem for name in asked(script)}
    defined = {name for cell in cells for name in _defined(_plain(cell))}
    return Copy(student, path, cells, tuple(name for name in EXERCISES if name in expected | defined))


def _own_name(path: Path) -> str:
    stem = path.stem
    for script in sources():
        stem = stem.replace(script.stem, "")
    return stem.strip(" _-.") or path.resolve().parent.name


@functools.cache
def asked(script: Path) -> tuple[str, ...]:
    """Return the names of the exercises that a lesson asks."""
    cells = notebook(script).cells
    return tuple(cell.metadata["exercise"] for cell in cells if cell.metadata.get("exercise"))


@functools.cache
def _lesson_cells() -> frozenset[str]:
    return frozenset(
        _plain(cell.source)
        for script in sources()
        for cell in notebook(script).cells
        if cell.cell_type == "code" and not cell.metadata.get("exercise")
    )


def _plain(source: str) -> str:
    """Return a cell's code without what only a notebook understands."""
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!", "?")))


def _definitions(source: str) -> str:
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    return "\n".join(ast.unparse(statement) for statement in ast.parse(source).body if isinstance(statement, kept))


def _defined(source: str) -> list[str]:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return re.findall(r"^def\s+(\w+)\s*\(", source, flags=re.MULTILINE)
    return [statement.name for statement in body if isinstance(statement, ast.FunctionDef)]
