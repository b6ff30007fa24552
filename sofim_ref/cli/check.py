"""`sofim-ref check FILE.py`: which Fisher matrix a file of the user's computes, and whether its products are right."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from sofim_ref.cli import arguments as args
from sofim_ref.cli.mistakes import BadArgument
from sofim_ref.reporting import console
from sofim_ref.reporting.optimizer_check import optimizer_table
from sofim_ref.testing.own_file import OwnFileError, check_file, template

PythonFile = Annotated[Path | None, args.parsed(args.path, "FILE.py")]


def check(
    file: PythonFile = None,
    /,
    *,
    new: PythonFile = None,
    numpy: args.Flag = False,
    torch: args.Flag = False,
    jax: args.Flag = False,
) -> int:
    """Say which Fisher matrix, product or optimizer a Python file of yours computes; status 0 if it is what it says.

    Parameters
    ----------
    file : Path
        A file with a function fisher, fvp, hvp, ggnvp, jvp, vjp, per_example_gradients or step, and IS, which says what
        it is to be.
    new : Path, optional
        Write a file to begin with instead.
    numpy : bool
        With --new: in NumPy, as without any of these.
    torch : bool
        With --new: in torch.
    jax : bool
        With --new: in JAX.
    """
    given = {"--numpy": numpy, "--torch": torch, "--jax": jax}
    frameworks = [option for option in given if given[option]]
    if new is not None:
        return _written(file, new, frameworks)
    if file is None:
        raise BadArgument("FILE", "must be given: a file of yours, or --new FILE.py for one to begin with.")
    if frameworks:
        raise BadArgument(frameworks[0], "goes with --new only.")
    try:
        answers = check_file(file)
    except OwnFileError as error:
        raise BadArgument("FILE", error) from error
    for answer in answers:
        for line in str(answer).splitlines():
            indent = " " * (len(line) - len(line.lstrip()))
            print(textwrap.fill(line, console().width, subsequent_indent=indent, break_on_hyphens=False))
        if answer.steps is not None and not answer.holds:
            print(replace(optimizer_table(answer.steps), legend="").to_text(console().width))
    return 0 if all(answer.holds for answer in answers) else 1


def _written(file: Path | None, new: Path, frameworks: list[str]) -> int:
    """Write a new file, refusing to write over another, and return the exit status."""
    if file is not None:
        raise BadArgument("--new", f"stands in place of {str(file)!r}: give one of the two.")
    if len(frameworks) > 1:
        raise BadArgument(frameworks[1], f"stands in place of {frameworks[0]}: give one of the two.")
    if new.suffix != ".py":
        raise BadArgument("--new", f"must end in .py, got {str(new)!r}.")
    try:
        with new.open("x", encoding="utf-8") as opened:
            opened.write(template((frameworks or ["--numpy"])[0].removeprefix("--")))
    except OSError as error:
        raise BadArgument("--new", f"can't write {str(new)!r}: {error.strerror}.") from None
    print(f"{new} is written; sofim-ref check {new} checks it.")
    return 0
