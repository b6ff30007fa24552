"""The progress bar of a run, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress_bar(label: str, total: int, *, shown: bool) -> Iterator[Callable[[], Any]]:
    """Yield a function to be called after every step, which moves a progress bar if one is to be shown."""
    if not shown:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}:"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=console.is_terminal) as bar:  # in a log its last line stays
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)
