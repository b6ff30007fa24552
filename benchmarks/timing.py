"""How things are timed here: side by side, in turns, in one process, and compared by their medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace


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
        The median of the rounds' ratios to the benchmark's peer; None for the peer itself. Where no time was taken,
        whatever was measured instead.
    target : float or None
        The most that it may be, in the unit that `target_is` names; None if nothing is aimed at.
    target_is : {"median", "ratio"}
        Which of the two numbers the target is for.
    exponent : float or None
        That of the time's growth with d, where a line was put through several.
    note : str
        What else a reader should know; why there is no number, say.
    quartiles : pair of float, or None
        Those of the rounds' ratios.
    limit : float or None
        The least that the ratio could be, by the bytes or the operations that there must be.
    peer : str
        The subject of the row that the ratio is to, of that row itself too.
    """

    subject: str
    median: float | None = None
    spread: float | None = None
    ratio: float | None = None
    target: float | None = None
    target_is: str = "median"
    exponent: float | None = None
    note: str = ""
    quartiles: tuple[float, float] | None = None
    limit: float | None = None
    peer: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is reached; empty if there is none."""
        measured = getattr(self, self.target_is)
        if self.target is None or measured is None:
            return ""
        return "reached" if measured <= self.target else "short of target"


class Timed(tuple[float, float]):  # noqa: SLOT001  # each has the rounds as well
    """The median of the rounds and the distance between their quartiles, in seconds; and each round's."""

    each: list[float]

    @classmethod
    def of(cls, each: list[float]) -> Timed:
        """Return what a subject's rounds took."""
        timed = cls(summary(each))
        timed.each = each
        return timed

    def over(self, peer: Timed) -> tuple[float, float, float]:
        """Return the median and the quartiles of the rounds' ratios to a peer's, of the same rounds."""
        low, median, high = statistics.quantiles((a / b for a, b in zip(self.each, peer.each, strict=True)), n=4)
        return median, low, high


def in_turns(
    subjects: dict[str, Callable[[], object]],
    *,
    rounds: int,
    calls: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timed]:
    """Return what one call of each takes, in seconds.

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
    return {name: Timed.of(values) for name, values in seconds.items()}


def summary(values: list[float]) -> tuple[float, float]:
    """Return the median and the distance between the quartiles."""
    low, median, high = statistics.quantiles(values, n=4)
    return median, high - low


def rows(
    timed: dict[str, Timed],
    *,
    peer: str,
    targets: dict[str, float] | None = None,
    target_is: str = "median",
    limits: dict[str, float] | None = None,
) -> list[Row]:
    """Return a row for each subject, its rounds set against the peer's."""
    targets, limits, table = targets or {}, limits or {}, []
    for name, found in timed.items():
        row = Row(name, *found, target=targets.get(name), target_is=target_is, limit=limits.get(name), peer=peer)
        if name != peer:
            ratio, *quartiles = found.over(timed[peer])
            row = replace(row, ratio=ratio, quartiles=tuple(quartiles))
        table.append(row)
    return table
