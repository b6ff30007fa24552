"""`sofim-ref lab`: the lessons as notebooks of one's own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from sofim_ref.cli import arguments as args
from sofim_ref.cli.mistakes import BadArgument

STUDENTS, TEACHERS = Path("sofim-lessons"), Path("sofim-lessons-teacher")
"""Where copies go if no folder is named."""
SLIDES, HANDOUTS = Path("sofim-slides"), Path("sofim-handouts")
"""The same of pages."""
EXTRA = "python -m pip install -e '.[notebooks]' in the repository brings all that the lessons need."


def lab(
    folder: Annotated[Path | None, args.parsed(args.path, "FOLDER")] = None,
    /,
    *,
    teacher: args.Flag = False,
    lecture: args.Flag = False,
    copy_only: args.Flag = False,
    no_browser: args.Flag = False,
    allow_root: args.Flag = False,
    ip: Annotated[str | None, args.parsed(str, "ADDRESS")] = None,
    slides: args.Flag = False,
    handout: args.Flag = False,
    questions: args.Flag = False,
    marks: Annotated[Path | None, args.parsed(args.path, "FOLDER")] = None,
    trust: args.Flag = False,
) -> int:
    """Copy the lessons into a folder, and open JupyterLab there, or show them to a class; or mark students' copies.

    Parameters
    ----------
    folder : Path
        Where the copies go, ./sofim-lessons or, with --teacher, ./sofim-lessons-teacher; what is there stays.
    teacher : bool
        With solutions, answers and notes for the teacher.
    lecture : bool
        Serve them with voila as screens for a projector: large type, one figure a screen, no exercises, nothing for the
        teacher alone, code where it is asked for. FOLDER is then one with copies of one's own, if any.
    copy_only : bool
        Write the copies, and open nothing.
    no_browser : bool
        Don't open a browser.
    allow_root : bool
        Let JupyterLab start as root, as in a container.
    ip : str
        The address to listen on: 0.0.0.0 in a container whose port 8888 is published.
    slides : bool
        Write the lessons as slides, pages of reveal.js, into FOLDER, ./sofim-slides if not given.
    handout : bool
        Write them with their exercises as pages to be printed, and as PDF where Chromium or a relative is installed,
        into FOLDER, ./sofim-handouts if not given; with --teacher also solutions and notes.
    questions : bool
        Print the concept inventory, twenty questions for before and after the course, and do nothing else; with
        --teacher also the answers and what each wrong one reveals.
    marks : Path
        Check the copies below this folder, one folder a student, and write its marks.csv; copy and open nothing. Their
        code runs in a process with little time and memory, without a network, and writes nowhere.
    trust : bool
        Mark also where the kernel can't confine that process.
    """
    if questions:
        from sofim_ref.lessons.inventory import markdown

        print(markdown(teacher=teacher), end="")
        return 0
    if marks is not None:
        return _mark(marks, trust=trust)
    opens = ["nbconvert"] if slides or handout else [] if copy_only else ["voila" if lecture else "jupyterlab"]
    missing = [name for name in ("jupytext", "hypothesis", *opens) if importlib.util.find_spec(name) is None]
    if missing:
        raise BadArgument("FOLDER", f"{' and '.join(missing)} must be installed: {EXTRA}")
    if slides or handout:
        return _pages(folder, slides=slides, teacher=teacher)
    shown = ["--no-browser"] if no_browser else []
    if lecture:
        return _lecture(folder, [*(shown or ["--autoreload=False"]), *([f"--Voila.ip={ip}"] if ip else [])])
    if not copy_only and not allow_root and getattr(os, "geteuid", lambda: 1)() == 0:
        text = "JupyterLab starts as root only if it is told to: add --allow-root, if this machine or container is your"
        more = "in a container also --no-browser --ip 0.0.0.0; or --copy-only to write the copies and open nothing."
        raise BadArgument("--allow-root", f"{text} own, {more}")
    from sofim_ref.lessons.student_copies import JUPYTERLAB, other_copies, write_copies

    folder = folder or (TEACHERS if teacher else STUDENTS)
    if others := other_copies(folder, teacher=teacher):
        kinds = ("students'", "teachers'") if teacher else ("teachers'", "students'")
        text = f"{folder} holds {kinds[0]} copies ({others[0].name} and others), which stay as they are: name another"
        raise BadArgument("FOLDER", f"{text} folder for {kinds[1]} copies, or none.")
    args.make_writable("FOLDER", folder)
    written, kept = write_copies(folder, teacher=teacher)
    print(f"{_count(len(written))} written to {folder}, {len(kept)} left as they were.")
    if copy_only:
        return 0
    options = [*shown, *(["--allow-root"] if allow_root else []), *([f"--ip={ip}"] if ip else [])]
    program = ["jupyter", "lab", *options, f"--LabApp.app_settings_dir={JUPYTERLAB}"]
    return subprocess.call([sys.executable, "-m", *program, str(folder)])  # noqa: S603  # a program and a folder


def _pages(folder: Path | None, *, slides: bool, teacher: bool) -> int:
    """Write the lessons as slides or as handouts."""
    from sofim_ref.lessons.lecture.pages import printer, write_handouts, write_slides

    folder = folder or (SLIDES if slides else HANDOUTS)
    args.make_writable("FOLDER", folder)
    for path in write_slides(folder) if slides else write_handouts(folder, teacher=teacher):
        print(path)
    if not slides and printer() is None:
        print("No PDF is made: that takes Chromium, Chrome or Edge. Any browser prints the pages.")
    return 0


def _lecture(folder: Path | None, options: list[str]) -> int:
    """Serve the lectures of all lessons, or of the copies in a folder."""
    if folder is not None and not any(folder.glob("*.ipynb")):
        raise BadArgument(
            "FOLDER", f"must hold copies of the lessons, found none in '{folder}'; without it they are ours."
        )
    from sofim_ref.lessons.lecture import OPTIONS, environment, write_lectures

    with TemporaryDirectory(prefix="sofim-lecture-") as made:
        write_lectures(Path(made), folder)
        program = [sys.executable, "-m", "voila", *OPTIONS, *options, made]
        return subprocess.call(program, env=environment())  # noqa: S603  # a program and a folder


def _mark(folder: Path, *, trust: bool) -> int:
    """Mark the copies in a folder, and print how many exercises have which verdict."""
    missing = [name for name in ("jupytext", "hypothesis") if importlib.util.find_spec(name) is None]
    if missing:
        raise BadArgument("--marks", f"{' and '.join(missing)} must be installed: {EXTRA}")
    if not folder.is_dir():
        raise BadArgument("--marks", f"must be a folder with students' copies, got '{folder}'.")
    from sofim_ref.lessons.marks import mark, missing_walls, write_marks

    if not trust and (walls := missing_walls()):
        text = f"this machine can't confine students' code: it lacks {', and '.join(walls)}."
        raise BadArgument("--marks", f"{text} Mark on another, or add --trust if you have read the copies.")
    table = folder / "marks.csv"
    args.make_writable("--marks", folder)
    found = write_marks(mark(folder), table)
    students = len({row.student for row in found})
    verdicts = Counter(row.verdict for row in found)
    counted = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    known = sum(bool(row.mistake) for row in found)
    print(
        f"{len(found)} exercises of {students} students in {table}: {counted or 'none'}; {known} with a known mistake."
    )
    return 0


def _count(number: int) -> str:
    return "1 lesson" if number == 1 else f"{number} lessons"
