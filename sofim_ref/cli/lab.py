"""`sofim-ref lab`: the lessons as notebooks of one's own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from sofim_ref.cli import arguments as args
from sofim_ref.cli.mistakes import BadArgument

STUDENTS, TEACHERS = Path("sofim-lessons"), Path("sofim-lessons-teacher")
"""Where copies go if no folder is named."""


def lab(
    folder: Annotated[Path | None, args.parsed(args.path, "FOLDER")] = None,
    /,
    *,
    teacher: args.Flag = False,
    voila: args.Flag = False,
    copy_only: args.Flag = False,
    no_browser: args.Flag = False,
    allow_root: args.Flag = False,
    ip: args.Name = None,
) -> int:
    """Copy the lessons into a folder, and open JupyterLab there, or serve them with voila.

    Parameters
    ----------
    folder : Path
        Where the copies go, ./sofim-lessons or, with --teacher, ./sofim-lessons-teacher; what is there stays.
    teacher : bool
        With solutions, answers and notes for the teacher.
    voila : bool
        Serve them without code, for a lecture hall.
    copy_only : bool
        Write the copies, and open nothing.
    no_browser : bool
        Don't open a browser.
    allow_root : bool
        Let JupyterLab start as root, as in a container.
    ip : str
        The address to listen on: 0.0.0.0 in a container whose port 8888 is published.
    """
    opens = [] if copy_only else ["voila" if voila else "jupyterlab"]
    missing = [name for name in ("jupytext", "hypothesis", *opens) if importlib.util.find_spec(name) is None]
    if missing:
        remedy = "python -m pip install -e '.[notebooks]' in the repository brings all that the lessons need."
        raise BadArgument("FOLDER", f"{' and '.join(missing)} must be installed: {remedy}")
    if not copy_only and not voila and not allow_root and getattr(os, "geteuid", lambda: 1)() == 0:
        text = "JupyterLab starts as root only if it is told to: add --allow-root, if this machine or container is your"
        raise BadArgument("--allow-root", f"{text} own; in a container also --no-browser --ip 0.0.0.0.")
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
    options = [*(["--no-browser"] if no_browser else []), *(["--allow-root"] if allow_root and not voila else [])]
    if voila:
        program = ["voila", *(options or ["--autoreload=False"]), *([f"--Voila.ip={ip}"] if ip else [])]
    else:
        program = [
            "jupyter",
            "lab",
            *options,
            *([f"--ip={ip}"] if ip else []),
            f"--LabApp.app_settings_dir={JUPYTERLAB}",
        ]
    return subprocess.call([sys.executable, "-m", *program, str(folder)])  # noqa: S603  # a program and a folder


def _count(number: int) -> str:
    return "1 lesson" if number == 1 else f"{number} lessons"
