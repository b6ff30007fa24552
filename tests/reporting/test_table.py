"""One table for terminal and page: at any width no number and no name is broken over lines."""

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from sofim_ref.reporting import Column, Table, fold

WORDS = st.text(st.characters(categories=["L", "Mn", "Nd", "P", "Sm"]), min_size=1, max_size=12)
NAMES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
NUMBERS = st.one_of(st.floats(), st.integers(-(10**9), 10**9), st.none())


@st.composite
def tables(draw):
    words = draw(st.integers(0, 3))
    numbers = draw(st.integers(0 if words else 1, 9))
    spec = st.sampled_from([".3g", ".1e", "g"])
    columns = (
        *(Column(draw(NAMES), words=True) for _ in range(words)),
        *(Column(draw(NAMES), draw(spec), note=draw(st.sampled_from(["", "in eps"]))) for _ in range(numbers)),
    )
    row = st.tuples(*(NAMES for _ in range(words)), *(NUMBERS for _ in range(numbers)))
    return Table(draw(NAMES), columns, tuple(draw(st.lists(row, max_size=5))), legend=draw(NAMES))


@given(tables(), st.integers(40, 200))
@settings(max_examples=100, deadline=None)
def test_no_cell_is_broken_and_no_line_is_wider_than_the_terminal(table, width):
    text = table.to_text(width)
    assert all(cell_len(line) <= width for line in text.split("\n"))
    for row in table.cells:
        for cell in row:
            assert cell_len(cell) > width or cell in text


def test_a_word_that_begins_with_a_combining_mark_is_folded():
    assert fold("\u0353abcdef", 4) == ["\u0353abcd", "ef"]  # rich before 14.3.3 never returns


def lines_of(width):
    columns = (Column("method", words=True), Column("loss gap", ".1e"), Column("steps"), Column("calls"))
    rows = (("Natural gradient", 1e-16, 7, 28), ("SGD", 0.02, None, 200))
    return Table("Runs", columns, rows, legend="At the end.").to_text(width).split("\n")


def test_columns_that_do_not_fit_move_to_a_second_block_with_the_names():
    assert lines_of(40) == [
        "Runs",
        "method               loss  steps  calls",
        "                      gap",
        "───────────────────────────────────────",
        "Natural gradient  1.0e-16      7     28",
        "SGD               2.0e-02      –    200",
        "At the end.",
    ]
    blocks = "\n".join(lines_of(33)).split("\n\n")
    assert len(blocks) == 2
    assert blocks[1].split("\n")[:4] == [
        "method            calls",
        "───────────────────────",
        "Natural gradient     28",
        "SGD                 200",
    ]


def test_a_name_and_a_number_that_do_not_fit_side_by_side_stand_one_below_the_other():
    lines = lines_of(20)
    assert "Natural gradient" in lines
    assert lines[lines.index("Natural gradient") + 1].split() == ["1.0e-16", "7"]


def test_a_page_escapes_and_shows_the_same_texts():
    table = Table("<b>", (Column("a&b", words=True), Column("x", ".2f", note="5 < 6")), (("<i>", 0.5), ("–", None)))
    html = table.to_html()
    assert not re.search("<[bi]>", html)
    for text in ("&lt;b&gt;", "a&amp;b", "&lt;i&gt;", ">0.50<", "x: 5 &lt; 6"):
        assert text in html


def test_rows_are_what_json_can_hold():
    columns = (Column("method", words=True), Column("gap", ".1e"), Column("steps"))
    rows = (("a", np.float64("nan"), np.int64(3)), ("b", math.inf, None), ("c", 0.5, True))
    assert json.loads(json.dumps(Table("", columns, rows).to_rows(), allow_nan=False)) == [
        {"method": "a", "gap": None, "steps": 3},
        {"method": "b", "gap": None, "steps": None},
        {"method": "c", "gap": 0.5, "steps": True},
    ]


def test_a_label_s_line_breaks_and_control_characters_become_blanks():
    assert Column("").text("a\r\nb\x1b[31m\u2028c") == "a b [31m c"


def test_what_is_wider_than_the_terminal_is_broken_at_blanks_first():
    assert fold("aa bb ccccccccccc d", 5) == ["aa bb", "ccccc", "ccccc", "c d"]
    assert fold("日本語", 4) == ["日本", "語"]


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match=r"rows must have 2 values, one a column, got 1: \(1,\)"):
        Table("", (Column("a"), Column("b")), ((1,),))
    with pytest.raises(ValueError, match="columns must be at least one, got none"):
        Table("", (), ())
    with pytest.raises(ValueError, match="width must be an integer >= 8, got 7"):
        Table("", (Column("a"),), ()).to_text(7)


@pytest.mark.parametrize("width", [12, 40])
def test_a_heading_is_not_broken_at_a_no_break_space(width):
    columns = (
        Column("method", words=True),
        Column("loss ≤\N{NO-BREAK SPACE}0.298"),
        Column("τ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}1"),
    )
    table = Table("Runs", columns, (("SGD", 1, 2),))
    printed = table.to_text(width)
    assert "≤\N{NO-BREAK SPACE}0.298" in printed
    assert "τ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}1" in printed
    assert table.to_rows() == [{"method": "SGD", "loss ≤ 0.298": 1, "τ = 1": 2}]
