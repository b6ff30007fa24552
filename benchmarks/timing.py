"""How things are timed here: side by side, in turns, in one process, and compared by their medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a benchmark's table.

    Parameters
    ----------
    subject : str
        What was timed.
    median, spread : float or None
        In seconds: the median of the rounds, and the distance between their quartiles; None where no time was taken.
    ratio : float or None
        The median over that of the benchmark's peer; None for the peer itself. Where no time was taken, whatever was
        measured instead.
    target : float or None
        The most that it may be, in the unit that `target_is` names; None if nothing is aimed at.
    target_is : {"median", "ratio"}
        Which of the two numbers the target is for.
    exponent : float or None
        That of the time's growth with d, where a line was put through several.
    note : str
        What else a reader should know; why there is no number, say.
    """

    subject: str
    median: float | None = None
    spread: float | None = None
    ratio: float | None = None
    target: float | None = None
    target_is: str = "median"
    exponent: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is reached; empty if there is none."""
        measured = getattr(self, self.target_is)
        if self.target is None or measured is None:
            return ""
        return "reached" if measured <= self.target else "short of target"


def in_turns(
    subjects: dict[str, Callable[[], object]],
    *,
    rounds: int,
    calls: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, tuple[float, float]]:
    """Return median and quartile distance of one call of each, in seconds.

    A round calls each subject `calls` times, one subject after the other, so that whatever else the machine does
    falls on all of them alike. Before it is timed each is called once more: what the one before left in the caches, and
    threads that have gone to sleep, are nobody's. A `clock` of processor time leaves out what the machine does for
    others.
    """
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, call in subjects.items():
            call()
            started = clock()
            for _ in range(calls):
                call()
            seconds[name].append((clock() - started) / calls)
    return {name: summary(values) for name, values in seconds.items()}


def summary(values: list[float]) -> tuple[float, float]:
    """Return the median and the distance between the quartiles."""
    low, median, high = statistics.quantiles(values, n=4)
    return median, high - low


def rows(
    timed: dict[str, tuple[float, float]],
    *,
    peer: str,
    targets: dict[str, float] | None = None,
    target_is: str = "median",
) -> list[Row]:
    """Return a row for each subject, its median set against the peer's."""
    targets = targets or {}
    base = timed[peer][0]
    return [
        Row(name, median, spread, None if name == peer else median / base, targets.get(name), target_is)
        for name, (median, spread) in timed.items()
    ]
