"""What the build refuses: links that lead nowhere, what is loaded from outside, names on no page."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from docs import book, links  # noqa: E402  # they lie beside the package

PAGE = '<html><a href="{link}">there</a><h1 id="here">Here</h1><img src="{picture}"></html>'


@pytest.mark.parametrize(
    ("link", "picture", "said"),
    [
        ("#here", "data:image/png;base64,aa", []),
        ("other.html#top", "other.html", []),
        ("https://example.org/page", "other.html", []),
        ("#there", "other.html", ["a.html: #there leads to no such anchor"]),
        ("other.html#here", "other.html", ["a.html: other.html#here leads to no such anchor"]),
        ("missing.html", "other.html", ["a.html: missing.html leads to no file"]),
        (".", "other.html", ["a.html: . leads to no file"]),
        ("#here", "missing.png", ["a.html: missing.png leads to no file"]),
        ("#here", "https://example.org/a.png", ["a.html: https://example.org/a.png is loaded from outside"]),
        ("#here", "//example.org/a.png", ["a.html: //example.org/a.png is loaded from outside"]),
    ],
)
def test_a_dead_link_and_what_is_loaded_from_outside_are_found(tmp_path, link, picture, said):
    (tmp_path / "a.html").write_text(PAGE.format(link=link, picture=picture))
    (tmp_path / "other.html").write_text("<html></html>")
    assert links.dead(tmp_path) == said


def test_the_book_keeps_the_links_that_lead_into_it_or_to_the_web():
    text = '<p id="a"><a class="x" href="#a">one</a><a href="#b">two</a><a href="c.html">three</a><a href="https://d">four</a>'
    assert book.inner_links(text) == '<p id="a"><a class="x" href="#a">one</a>twothree<a href="https://d">four</a>'


@pytest.mark.slow
def test_a_public_name_on_no_page_is_found():
    from docs import reference

    listed = (
        "sofim_ref.minimize(problem)\nsofim_ref.optimizers.SOFIM(lr)\nsofim_ref.matrices.Matrix.solve(self)\nadam: x\n"
    )
    described = {"sofim_ref.training.minimize", "sofim_ref.matrices.Matrix"}
    assert reference.missing(described, listed) == ["sofim_ref.optimizers.SOFIM", "sofim_ref.matrices.Matrix.solve"]
