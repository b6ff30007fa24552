"""Lines of CSV parsed by pyarrow, and what is wrong with those that can't be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sofim_ref.datasets.columns import check_commas, check_header, is_number, text_among_numbers
from sofim_ref.datasets.rows.arrow import pyarrow, readable

KIND = "a CSV file in UTF-8 with equally long rows"
"""What messages say that a file should be."""

BLOCK = 1 << 22
"""The number of bytes that a thread parses at a time, in which a row has to fit."""


@dataclass(frozen=True)
class CsvParser:
    """What is parsed of the lines of a CSV file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    header : tuple of str
        All columns.
    columns : tuple of str
        The features.
    target : str
        The column of targets.
    words : tuple of str
        The columns that are Booleans, or text in the target's case; all others are numbers.
    quoted : bool
        Whether there are quotes, in which a line may end without ending its row.
    """

    path: Path
    header: tuple[str, ...]
    columns: tuple[str, ...]
    target: str
    words: tuple[str, ...] = ()
    quoted: bool = True

    def table(self, lines: bytes, start: int, size: int) -> Any:
        """Return the features and the target of some lines, of which `start` rows come before.

        Raises
        ------
        ValueError
            If they aren't so many equally long rows of numbers. The message has the row.
        """
        pa = pyarrow()
        types = dict.fromkeys((*self.columns, self.target), pa.float64())
        types.update({name: pa.string() if name == self.target else pa.bool_() for name in self.words})
        try:
            with readable(self.path, KIND):
                found = self._parsed(lines, types)
        except ValueError:
            self._find_wrong(self._find_length(lines, start), start)
            raise
        if found.num_rows != size:
            msg = (
                f"{self.path.name} must have {size} rows from row {start + 1} on, and {found.num_rows} were found: a "
                "value with a quote, a comma or an end of line in it must stand in quotes, the quote doubled."
            )
            raise ValueError(msg)
        return found

    def words_in(self, lines: bytes) -> tuple[str, ...]:
        """Return which features are Booleans in the first lines, and the target if it isn't made of numbers.

        Raises
        ------
        ValueError
            If rows aren't equally long. The message has the row.
        """
        types = pyarrow().types
        try:
            with readable(self.path, KIND):
                schema = self._parsed(lines, {}).schema
        except ValueError:
            self._find_length(lines, 0)
            raise
        words = [name for name in self.columns if types.is_boolean(schema.field(name).type)]
        kind = schema.field(self.target).type
        numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind)
        return tuple(words) if numbers else (*words, self.target)

    def _parsed(self, lines: bytes, types: Mapping[str, Any], note: Any = None) -> Any:
        csv = pyarrow(".csv")
        encoding = "latin1" if note else "utf8"  # whose characters are the bytes, so that no byte is wrong
        return csv.read_csv(
            pyarrow().BufferReader(lines),
            csv.ReadOptions(column_names=self.header, use_threads=note is None, block_size=BLOCK, encoding=encoding),
            csv.ParseOptions(newlines_in_values=self.quoted, invalid_row_handler=note),
            csv.ConvertOptions(
                column_types=types, include_columns=[*self.columns, self.target], strings_can_be_null=True
            ),
        )

    def _find_length(self, lines: bytes, start: int) -> Any:
        """Return the columns as bytes, a character each, unless a row is of another length than the header."""
        wrong: list[tuple[int, int, int]] = []

        def note(row: Any) -> str:
            wrong.append((start + row.number, row.actual_columns, row.expected_columns))
            return "skip"

        with readable(self.path, KIND):
            types = dict.fromkeys((*self.columns, self.target), pyarrow().string())
            table = self._parsed(lines, types, note)
        if wrong:
            row, found, due = wrong[0]
            msg = f"{self.path.name} must have rows of {due} values, as its header, got {found} in row {row}."
            raise ValueError(msg)
        return table

    def _find_wrong(self, table: Any, start: int) -> None:
        """Refuse bytes that aren't UTF-8, text among numbers, and what is no Boolean among these, by its row."""
        options = pyarrow(".csv").ConvertOptions()
        truths = {*options.true_values, *options.false_values}
        for name in (*self.columns, self.target):
            for row, value in enumerate(self._texts(table, name, start), start + 1):
                if value is None or (name in self.words and (name == self.target or value in truths)):
                    continue
                if name in self.words:
                    msg = (
                        f"feature {name!r} of {self.path.name} must be Booleans as in its first rows, got {value!r} in "
                        f"row {row}: write 0 and 1 in the whole column, or leave it out."
                    )
                    raise ValueError(msg)
                if is_number(value):
                    continue
                if name != self.target:
                    raise ValueError(text_among_numbers(self.path.name, name, value, row))
                msg = (
                    f"target {name!r} of {self.path.name} must be numbers as in its first rows, got {value!r} in row "
                    f"{row}: a file whose first row has text there has labels."
                )
                raise ValueError(msg)

    def _texts(self, table: Any, name: str, start: int) -> Iterator[str | None]:
        """Yield a column's values as text, refusing bytes that aren't UTF-8."""
        for row, value in enumerate(table.column(name).to_pylist(), start + 1):
            try:
                yield None if value is None else value.encode("latin1").decode()
            except UnicodeDecodeError:
                raise ValueError(_not_utf8(self.path, f"row {row}, column {name!r}")) from None


def read_header(path: Path) -> tuple[tuple[str, ...], int]:
    """Return the names of a CSV file's columns, and the byte at which its rows begin.

    Raises
    ------
    OSError
        If it can't be read.
    ValueError
        If it has no header, or isn't separated by commas.
    """
    with path.open("rb") as file:
        line = file.readline(BLOCK)
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ValueError(_not_utf8(path, "its first line"))
    if "\r" in re.sub('"[^"]*"', "", text).rstrip("\r\n"):
        msg = f"{path.name} must have lines that end in a line feed, got carriage returns alone: "
        msg += "tr '\\r' '\\n' replaces them."
        raise ValueError(msg)
    check_commas(path, text)
    with readable(path, KIND):
        table = pyarrow(".csv").read_csv(pyarrow().BufferReader(line))
    names = tuple(name.strip() for name in table.column_names)
    check_header(path.name, names)
    _check_twice(path, names)
    return names, len(line)


def _not_utf8(path: Path, where: str) -> str:
    return f"{path.name} must be text in UTF-8, got other bytes in {where}: iconv -f ENCODING -t UTF-8 converts it."


def _check_twice(path: Path, names: Sequence[str]) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        msg = f"{path.name} must name its columns differently, got {twice[0]!r} twice."
        raise ValueError(msg)
