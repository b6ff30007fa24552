"""Where the rows of a CSV file begin, found in one pass over its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

STRIDE = 1_024
"""The place of one row in so many is kept: 8 bytes for each."""

CHUNK = 1 << 24
"""The number of bytes that are looked at a time."""

_LINE, _RETURN, _QUOTE = b'\n\r"'


@dataclass(frozen=True, eq=False)
class CsvIndex:
    """Where every 1,024th row of a CSV file begins.

    Parameters
    ----------
    size : int
        The number of rows below the header.
    places : array of int, shape (⌈N/1024⌉ + 1,)
        The byte at which each of these rows begins, and the file's end.
    quoted : bool
        Whether there are quotes, in which a line may end without ending its row.
    """

    size: int
    places: np.ndarray[Any, Any]
    quoted: bool

    @classmethod
    def of(cls, path: Path, begin: int) -> CsvIndex:
        """Return the index of the rows from a byte on; empty lines are no rows.

        Raises
        ------
        OSError
            If the file can't be read.
        ValueError
            If a quote is never closed.
        """
        places, size, quotes, line, before = list[np.ndarray[Any, Any]](), 0, 0, begin, _LINE
        with path.open("rb", buffering=0) as file:
            at = file.seek(begin)
            while chunk := file.read(CHUNK):
                read = np.frombuffer(chunk, np.uint8)
                ends = np.flatnonzero(read == _LINE)
                if quotes % 2 or _QUOTE in chunk:
                    marks = np.flatnonzero(read == _QUOTE)
                    ends = ends[(np.searchsorted(marks, ends) + quotes) % 2 == 0]
                    quotes += len(marks)
                if len(ends):
                    starts = np.concatenate([[line - at], ends[:-1] + 1])
                    first = np.where(starts < 0, before, read[np.maximum(starts, 0)])  # of a line of one byte
                    lines = starts[(ends - starts > 1) | ((ends - starts == 1) & (first != _RETURN))]
                    places.append(at + lines[-size % STRIDE :: STRIDE])
                    size += len(lines)
                    line = at + int(ends[-1]) + 1
                before = chunk[-1]
                at += len(chunk)
        if quotes % 2:
            msg = f"{path.name} must close every quote, and has an odd number of them: double one inside a value."
            raise ValueError(msg)
        if at - line > 1 or (at - line == 1 and before != _RETURN):  # the last line may lack its end
            if size % STRIDE == 0:
                places.append(np.asarray([line]))
            size += 1
        return cls(size, np.concatenate([*places, [at]]).astype(np.int64), bool(quotes))
