"""A CSV file, read by runs of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.datasets.columns import check_same_columns, chosen
from sofim_ref.datasets.rows.arrow import to_pair
from sofim_ref.datasets.rows.csv_index import STRIDE, CsvIndex
from sofim_ref.datasets.rows.csv_parser import CsvParser, read_header
from sofim_ref.datasets.rows.shard import Kept, Opened, Pair, PieceShard, kept_for
from sofim_ref.problems.file_state import FileState


@dataclass(frozen=True)
class CsvShard(PieceShard):
    """The rows of a CSV file: a piece is a run of 1,024 rows, whose lines are parsed and no others.

    Parameters
    ----------
    state : FileState
        The file.
    index : CsvIndex
        Where its rows begin.
    starts : tuple of int
        The number of rows before each piece, and of all.
    parser : CsvParser
        What is parsed.
    dtype : numpy.dtype
        What features are converted to.
    kept : Kept
        What batches need again.
    """

    state: FileState
    index: CsvIndex
    starts: tuple[int, ...]
    parser: CsvParser
    dtype: np.dtype[Any]
    kept: Kept = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.state.path.name

    @property
    def files(self) -> tuple[FileState, ...]:
        """The file."""
        return (self.state,)

    def decode(self, first: int, last: int) -> Pair:
        """Return the rows of some pieces.

        Raises
        ------
        OSError
            If the file can't be read, or isn't what it was.
        ValueError
            If it isn't CSV, a feature isn't a number, or a target is missing. The message has the row.
        """
        start, stop = self.starts[first], self.starts[last]
        with self.state.unchanged():
            lines = _lines(self.state.path, self.index, first, last)
            table = self.parser.table(lines, start, stop - start)
        return to_pair(table, self.parser.target, self.dtype, self.name, start)


def open_csv(files: list[Path], target: str, columns: Sequence[str] | None, dtype: np.dtype[Any] | None) -> Opened:
    """Open CSV files: one pass over their bytes finds where rows begin, and the first 1,024 rows say what is text.

    Parameters
    ----------
    files : list of Path
        In the order of the rows. The first line of each names its columns.
    target : str
        The column of targets.
    columns : sequence of str, optional
        The features; all columns of the first file but the target, if not given.
    dtype : numpy.dtype, optional

    Raises
    ------
    OSError
        If a file can't be read.
    ValueError
        If a file has no header, lacks a column, isn't separated by commas, or has text where numbers are needed.
    """
    headers = [read_header(path) for path in files]
    first, known = files[0].name, headers[0][0]
    features = chosen(first, known, columns, target)
    due, shards, words = dtype or np.dtype(np.float64), list[CsvShard](), None
    for path, (header, begin) in zip(files, headers, strict=True):
        chosen(path.name, header, features, target)
        if columns is None:
            check_same_columns(path.name, header, first, known)
        state = FileState.of(path)
        with state.unchanged():
            index = CsvIndex.of(path, begin)
        if not index.size:
            continue
        parser = CsvParser(path, header, features, target)
        if words is None:
            words = parser.words_in(_lines(path, index, 0, 1))
        parser = replace(parser, words=words, quoted=index.quoted)
        starts = (*range(0, index.size, STRIDE), index.size)
        shards.append(CsvShard(state, index, starts, parser, due, kept_for(starts)))
    return Opened(shards, features, target, (len(features),), due)


def _lines(path: Path, index: CsvIndex, first: int, last: int) -> bytes:
    start, stop = index.places[[first, last]].tolist()
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        return file.read(stop - start)
