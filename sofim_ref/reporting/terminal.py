"""The terminal: where reports are printed, and the bar or the lines that say how far a study has come."""

from __future__ import annotations

import sys
import threading
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


SECONDS = 5.0
"""How often a line says what is being done where there is no bar."""


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function (done, total, text) that moves a bar on standard error.

    Where that is no terminal, a file or a pipe, a line says there what is being done: every `SECONDS` seconds, if the
    text is a new one.

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

    if not Console(stderr=True).is_terminal:
        with _lines() as tell:
            yield tell
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    errors = Console(stderr=True)
    shared = sys.stdout.isatty()  # printed lines must not cut through the bar, and those for a file must not join it
    with Progress(*columns, console=errors, transient=True, redirect_stdout=shared) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)


@contextmanager
def _lines() -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function (done, total, text) whose last text a thread prints from time to time, each once."""
    current, over = ("", ""), threading.Event()

    def say() -> None:
        said = ""
        while not over.wait(SECONDS):
            text, count = current
            if text != said:
                said = text
                sys.stderr.write(f"sofim-ref: {text}{count}\n")
                sys.stderr.flush()

    def tell(done: int, total: int, text: str) -> None:
        nonlocal current
        current = text, f" ({done} of {total})"

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        over.set()
        thread.join()
