"""A report is one page without outside references, one JSON file, pictures, and lines for a terminal."""

import io
import json
import shutil
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from sofim_ref.reporting import Code, Column, Heading, Paragraph, Picture, Report, Table, console, plain
from sofim_ref.training.storage import write_whole

WIDE = Table(
    "Many columns",
    (Column("method", words=True), *(Column(f"column {j}", ".3e") for j in range(6))),
    (("a method with a name that is rather long", *np.linspace(0, 1, 6)),),
    legend="How it is to be read.",
)


@pytest.fixture
def report():
    figure = Figure()
    figure.subplots().plot([1, 2])
    blocks = (
        Heading("Results & <more>"),
        Paragraph("All is well.", "good"),
        Paragraph("Not all <b>is</b> well.", "bad"),
        WIDE,
        Code("sofim-ref race " + "--option " * 30),
        Picture("curve", figure, 'a "curve"', "How to read it."),
    )
    return Report("A <title>", "The lead.", blocks, {"error": np.asarray([0.5, np.inf]), "status": None})


def test_a_page_is_escaped_and_holds_its_pictures(report, tmp_path):
    page = report.write(str(tmp_path / "new" / "folder"))
    text = page.read_text(encoding="utf-8")
    for shown in (
        "A &lt;title&gt;",
        "Results &amp; &lt;more&gt;",
        "Not all &lt;b&gt;is&lt;/b&gt; well.",
        "&#34;curve&#34;",
    ):
        assert shown in text
    assert 'src="data:image/png;base64,' in text
    assert "http" not in text
    assert sorted(file.name for file in page.parent.iterdir()) == ["curve.png", "report.html", "summary.json"]


def test_the_summary_is_strict_json_with_the_version(report, tmp_path):
    report.write(tmp_path)
    numbers = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert numbers == report.summary() == {**numbers, "error": [0.5, None], "status": None}
    assert numbers["sofim_ref"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_s_lines_are_no_wider_than_it_and_code_is_never_broken(report, width):
    lines = io.StringIO()
    report.print(Console(file=lines, width=width))
    printed = lines.getvalue().split("\n")
    code = next(block.text for block in report.blocks if isinstance(block, Code))
    assert code in printed
    assert all(len(line) <= width for line in printed if line != code)
    assert "a method with a name that is rather long"[:width] in lines.getvalue()
    assert "How to read it." not in lines.getvalue()


def test_a_heading_of_pictures_alone_is_not_printed():
    blocks = (Heading("Results"), Paragraph("All is well."), Heading("Pictures"), Picture("curve", Figure(), "a curve"))
    out = io.StringIO()
    Report("A title", "The lead.", blocks, {}).print(Console(file=out, width=80))
    assert "Results" in out.getvalue()
    assert "Pictures" not in out.getvalue()


def test_nothing_is_written_if_a_part_of_the_report_is_broken(report, tmp_path):
    broken = Report("t", "l", (*report.blocks, Table("", (Column("x", "d"),), (("no number",),))), {})
    with pytest.raises(ValueError, match="Unknown format code"):
        broken.write(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_whole_and_leaves_nothing_when_it_fails(tmp_path):
    file = tmp_path / "x"
    write_whole(file, b"old")
    with pytest.raises(TypeError):
        write_whole(file, object())
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_what_json_has_no_form_for_is_text():
    assert plain({1: {2}, "b": float("nan")}) == {"1": "{2}", "b": None}


def test_a_reader_who_leaves_is_told_to_the_caller(monkeypatch):
    class Gone(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(BrokenPipeError):
        console().print("a line")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [420, 1920])
def test_only_tables_scroll_sideways_on_a_phone_and_nothing_on_a_projector(report, tmp_path, width):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    page_file = report.write(tmp_path)
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(page_file.as_uri())
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        box = "document.querySelector('.scroll')"
        assert page.evaluate(f"{box}.scrollWidth > {box}.clientWidth") == (width == 420)
        size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        assert size >= (16 if width == 420 else 20)
        browser.close()
