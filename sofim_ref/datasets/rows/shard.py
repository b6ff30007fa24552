"""A file of rows, or a partition: what can be read of it."""

from __future__ import annotations

import itertools
import threading
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sofim_ref.problems.file_state import FileState

Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
"""Features and targets."""

KEPT = 131_072
"""The number of rows that are kept decoded for batches, or two pieces if that is more."""


class Shard(Protocol):
    """Rows of features and targets as they are stored, in one file or partition."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def files(self) -> tuple[FileState, ...]:
        """The files that are read, as they were when they were opened."""

    @property
    def size(self) -> int:
        """The number of rows."""

    def cuts(self, rows: int) -> list[tuple[int, int]]:
        """Return where to cut it into blocks of about so many rows."""

    def read(self, start: int, stop: int) -> Pair:
        """Return the rows from start to stop, in arrays of their own."""

    def take(self, rows: np.ndarray[Any, Any]) -> Pair:
        """Return the rows of these numbers, in their order."""


@dataclass(frozen=True)
class Opened:
    """What was found when rows were opened.

    Parameters
    ----------
    shards : sequence of Shard
        Those that have rows.
    columns : tuple of str
        The features' names.
    target : str
        The targets' name.
    shape : tuple of int
        Of a row of features.
    dtype : numpy.dtype
        The features'.
    """

    shards: Sequence[Shard]
    columns: tuple[str, ...]
    target: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Kept:
    """The pieces that were last decoded; none of them is pickled.

    Parameters
    ----------
    rows : int
        How many rows are kept at most.
    """

    def __init__(self, rows: int) -> None:
        self.rows, self._known, self._lock = rows, OrderedDict[int, Pair](), threading.Lock()

    def __reduce__(self) -> tuple[type, tuple[int]]:
        """Return an empty one's recipe."""
        return Kept, (self.rows,)

    def get(self, k: int, decode: Callable[[], Pair]) -> Pair:
        """Return piece k, decoded now if it isn't kept."""
        with self._lock:
            if k in self._known:
                self._known.move_to_end(k)
                return self._known[k]
        found = decode()
        with self._lock:
            self._known[k] = found
            while len(self._known) > 1 and sum(len(y) for _, y in self._known.values()) > self.rows:
                self._known.popitem(last=False)
        return found


class PieceShard(ABC):
    """A shard of which only whole pieces can be decoded: row groups of Parquet, runs of lines, partitions."""

    starts: tuple[int, ...]
    """The number of rows before each piece, and of all."""

    kept: Kept

    @abstractmethod
    def decode(self, first: int, last: int) -> Pair:
        """Return the rows of the pieces from first to before last."""

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.starts[-1]

    def cuts(self, rows: int) -> list[tuple[int, int]]:
        """Return blocks of whole pieces: as many as have at most so many rows together, at least one."""
        ends, start = [0], 0
        for low, high in itertools.pairwise(self.starts):
            if high - start > rows and low > start:
                start = low
                ends.append(low)
        return list(itertools.pairwise([*ends, self.size]))

    def read(self, start: int, stop: int) -> Pair:
        """Return the rows from start to stop; all of the pieces in which they are is decoded."""
        first, last = bisect_right(self.starts, start) - 1, bisect_right(self.starts, stop - 1)
        X, y = self.decode(first, last)
        low = self.starts[first]
        if (start, stop) == (low, self.starts[last]):
            return X, y
        return X[start - low : stop - low], y[start - low : stop - low]

    def take(self, rows: np.ndarray[Any, Any]) -> Pair:
        """Return the rows of these numbers, in their order; the last pieces are kept decoded."""
        return gathered(self.starts, rows, self._take)

    def _take(self, k: int, rows: np.ndarray[Any, Any]) -> Pair:
        X, y = self.kept.get(k, lambda: self.decode(k, k + 1))
        return X[rows], y[rows]


def gathered(
    starts: tuple[int, ...], rows: np.ndarray[Any, Any], take: Callable[[int, np.ndarray[Any, Any]], Pair]
) -> Pair:
    """Return the rows of these numbers in their order, ``take(k, rows)`` having those of part k by their numbers there.

    Parameters
    ----------
    starts : tuple of int
        The number of rows before each part, and of all.
    rows : array of int
    take : callable
    """
    part = np.searchsorted(starts, rows, side="right") - 1
    found = [take(k, rows[part == k] - starts[k]) for k in np.unique(part).tolist()]
    if len(found) == 1:
        return found[0]
    back = np.argsort(np.argsort(part, kind="stable"))
    X, y = (np.concatenate(x)[back] for x in zip(*found, strict=True))
    return X, y


def kept_for(starts: tuple[int, ...]) -> Kept:
    """Return what keeps two of the largest pieces, or many small ones."""
    largest = max((high - low for low, high in itertools.pairwise(starts)), default=0)
    return Kept(max(KEPT, 2 * largest))
