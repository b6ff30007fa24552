"""The terminal: where reports are printed, and the bar that shows how far a study has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """Return a console on standard output.

    Raises
    ------
    BrokenPipeError
        When it prints and nobody reads on (``| head``), where rich's own would end the process.
    """
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Terminal(highlight=False)


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function (done, total, text) that moves a bar on standard error; hidden if that is not a terminal.

    Yields
    ------
    callable
        To be called with what is done, what there is to do, and what is being done.

    Examples
    --------
    >>> with progress() as tell:
    ...     tell(1, 2, "running Newton")
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    errors = Console(stderr=True)
    shared = sys.stdout.isatty()  # printed lines must not cut through the bar, and those for a file must not join it
    with Progress(
        *columns, console=errors, transient=True, disable=not errors.is_terminal, redirect_stdout=shared
    ) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)
