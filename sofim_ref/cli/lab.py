"""`sofim-ref lab`: the lessons as notebooks of one's own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from sofim_ref.cli import arguments as args
from sofim_ref.cli.mistakes import BadArgument


def lab(
    folder: args.Folder = Path("sofim-lessons"),
    /,
    *,
    teacher: args.Flag = False,
    voila: args.Flag = False,
    copy_only: args.Flag = False,
    no_browser: args.Flag = False,
) -> int:
    """Copy the lessons into a folder, and open JupyterLab there, or serve them with voila.

    Parameters
    ----------
    folder : Path
        Where the copies go; what is there stays.
    teacher : bool
        With solutions.
    voila : bool
        Serve them without code, for a lecture hall.
    copy_only : bool
        Write the copies, and open nothing.
    no_browser : bool
        Don't open a browser.
    """
    opens = [] if copy_only else ["voila" if voila else "jupyterlab"]
    missing = [name for name in ("jupytext", "hypothesis", *opens) if importlib.util.find_spec(name) is None]
    if missing:
        remedy = "python -m pip install -e '.[notebooks]' in the repository brings all that the lessons need."
        raise BadArgument("FOLDER", f"{' and '.join(missing)} must be installed: {remedy}")
    from sofim_ref.lessons.student_copies import write_copies

    args.make_writable("FOLDER", folder)
    written, kept = write_copies(folder, teacher=teacher)
    print(f"{len(written)} lessons written to {folder}, {len(kept)} left as they were.")
    if copy_only:
        return 0
    program = ["voila", "--no-browser" if no_browser else "--autoreload=False"]
    if not voila:
        program = ["jupyter", "lab", *(["--no-browser"] if no_browser else [])]
    return subprocess.call([sys.executable, "-m", *program, str(folder)])  # noqa: S603  # a program and a folder
