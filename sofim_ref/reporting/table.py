"""A table of values that prints in a terminal of any width and on a page."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, chop_cells

from sofim_ref.reporting.plain_values import plain
from sofim_ref.reporting.templates import render

GAP = 2
"""The number of blanks between two columns, and before the numbers that stand below their row's name."""


@dataclass(frozen=True)
class Column:
    """One column of a `Table`.

    Parameters
    ----------
    heading : str
        Its name; in a terminal it may be broken at its blanks, but not at a no-break space (U+00A0).
    show : str or callable
        How a value becomes text: a format specification such as ``".3g"``, or a function. None is always shown as "–".
    words : bool
        Whether the column holds names, which are aligned to the left; the leading ones stand in every block.
    note : str
        What the column means; it is printed below the table.

    Examples
    --------
    >>> Column("lr", ".3g").text(0.12345), Column("steps").text(None)
    ('0.123', '–')
    """

    heading: str
    show: str | Callable[[Any], str] = str
    words: bool = False
    note: str = ""

    def text(self, value: Any) -> str:
        """Return a value as this column shows it, on one line."""
        if value is None:
            return "–"
        shown = format(value, self.show) if isinstance(self.show, str) else self.show(value)
        return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", shown)  # a label from a file may hold anything


@dataclass(frozen=True)
class Table:
    """Rows of values under headings.

    Parameters
    ----------
    title : str
        What the table shows.
    columns : tuple of Column
    rows : tuple of tuple
        Values, not text: one a column.
    legend : str
        How the table is to be read; printed below it.

    Raises
    ------
    ValueError
        If there is no column, or a row has not one value a column.

    Examples
    --------
    >>> columns = (Column("method", words=True), Column("loss", ".1e"), Column("steps", note="Until the end."))
    >>> print(Table("Runs", columns, (("Newton", 1e-16, 7), ("SGD", 0.02, None))).to_text(width=40))
    Runs
    method     loss  steps
    ──────────────────────
    Newton  1.0e-16      7
    SGD     2.0e-02      –
    steps: Until the end.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    legend: str = ""

    def __post_init__(self) -> None:
        if not self.columns:
            msg = "columns must be at least one, got none."
            raise ValueError(msg)
        for row in self.rows:
            if len(row) != len(self.columns):
                msg = f"rows must have {len(self.columns)} values, one a column, got {len(row)}: {row!r}."
                raise ValueError(msg)

    @property
    def cells(self) -> list[list[str]]:
        """The rows as text."""
        return [[column.text(value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows]

    @property
    def notes(self) -> list[str]:
        """The legend and the columns' notes, a paragraph each."""
        notes = (f"{column.heading}: {column.note}" for column in self.columns if column.note)
        return [*filter(None, [self.legend]), *notes]

    def to_text(self, width: int) -> str:
        """Return the table for a terminal, no line of it wider than `width`.

        No number and no name is broken over two lines: columns that don't fit beside the names move to a block below,
        which repeats the names; where a name and a number don't fit side by side, the number stands below the name.
        Only a text that is itself wider than the terminal is broken, at its blanks where it has any.

        Parameters
        ----------
        width : int
            The number of character cells in a line, at least 8.

        Raises
        ------
        ValueError
            If `width` is less than 8.
        """
        if width < 8:
            msg = f"width must be an integer >= 8, got {width!r}."
            raise ValueError(msg)
        cells = self.cells
        widths = [
            min(max(map(cell_len, [*column.heading.split(" "), *(row[j] for row in cells)]), default=0), width)
            for j, column in enumerate(self.columns)
        ]
        names = len(list(itertools.takewhile(lambda column: column.words, self.columns)))
        leading = range(1 if names == len(self.columns) else names)
        packed = _packed(widths, leading, range(len(leading), len(self.columns)), width)
        blocks = ["\n".join(self._block(cells, widths, leading, block, width)) for block in packed]
        title, *notes = ("\n".join(fold(text, width)) for text in (self.title, *self.notes))
        return "\n".join([*filter(None, [title]), "\n\n".join(blocks), *notes])

    def to_html(self) -> str:
        """Return the table for a page, in a box of its own that scrolls sideways where the screen is narrow."""
        return render("table.html", table=self)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries that JSON can hold, by heading; None for a number that isn't finite."""
        headings = [column.heading.replace("\N{NO-BREAK SPACE}", " ") for column in self.columns]
        return [dict(zip(headings, map(plain, row), strict=True)) for row in self.rows]

    def _block(
        self, cells: Sequence[Sequence[str]], widths: Sequence[int], leading: range, block: Sequence[int], width: int
    ) -> list[str]:
        """Return the lines of the leading columns and some others."""
        above = _total(widths, [*leading, *block]) > width  # the names don't fit beside the numbers
        beside = [*block] if above else [*leading, *block]
        indent = " " * min(GAP, width - _total(widths, beside)) * (above and len(leading) > 0)

        def lines(row: Sequence[str]) -> list[str]:
            parts = itertools.zip_longest(*(fold(row[j], widths[j]) for j in beside), fillvalue="")
            aligned = (
                (_aligned(part, widths[j], left=self.columns[j].words) for j, part in zip(beside, line, strict=True))
                for line in parts
            )
            names = _names([row[j] for j in leading], width) if above else []
            return [*names, *((indent + (" " * GAP).join(line)).rstrip() for line in aligned)]

        head = lines([column.heading for column in self.columns])
        rule = "─" * max(map(cell_len, head), default=0)
        return [*head, rule, *(line for row in cells for line in lines(row))]


def finite(spec: str, otherwise: str = "–") -> Callable[[float], str]:
    """Return what shows a number by a format specification, and one that isn't finite by a word.

    Parameters
    ----------
    spec, otherwise : str

    Examples
    --------
    >>> Column("loss", finite(".1e", "failed")).text(math.inf)
    'failed'
    """
    return lambda value: format(value, spec) if math.isfinite(value) else otherwise


def fold(text: str, width: int) -> list[str]:
    """Return a text in lines of at most `width` cells, broken at blanks, and inside a word only if it is wider still.

    Parameters
    ----------
    text : str
    width : int
        In character cells: a CJK character takes two, a combining mark none.

    Examples
    --------
    >>> fold("natural gradient", 9), fold("natural gradient", 16)
    (['natural', 'gradient'], ['natural gradient'])
    """
    if cell_len(text) <= width and "\n" not in text:
        return [text]
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if cell_len(joined) <= width:
                line = joined
                continue
            *whole, line = [*([line] if line else []), *chop_cells(word, width)]
            lines += whole
        lines.append(line)
    return lines


def _names(texts: Sequence[str], width: int) -> list[str]:
    """Return names on one line, or, where they don't fit, on one line each."""
    joined = (" " * GAP).join(filter(None, texts))
    return [joined] if cell_len(joined) <= width else [line for text in texts if text for line in fold(text, width)]


def _total(widths: Sequence[int], columns: Sequence[int]) -> int:
    return sum(widths[j] + GAP for j in columns) - GAP


def _packed(widths: Sequence[int], leading: range, others: range, width: int) -> list[list[int]]:
    """Return the other columns in blocks, each as many as fit beside, or else below, the leading ones."""
    blocks: list[list[int]] = [[]]
    for j in others:
        beside = _total(widths, [*leading, *(blocks[-1][:1] or [j])]) <= width
        if blocks[-1] and _total(widths, [*(leading if beside else ()), *blocks[-1], j]) > width:
            blocks.append([])
        blocks[-1].append(j)
    return blocks


def _aligned(text: str, width: int, *, left: bool) -> str:
    blanks = " " * (width - cell_len(text))
    return text + blanks if left else blanks + text
