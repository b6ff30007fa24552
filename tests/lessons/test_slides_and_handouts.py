"""Slides and handouts: what they hold, that they need nothing from elsewhere, and that a browser prints them."""

import importlib.util
import re

import pytest

from sofim_ref.lessons.lecture.pages import VENDOR, printer, write_handouts, write_slides

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("nbconvert") is None, reason="nbconvert isn't installed"),
    pytest.mark.filterwarnings("ignore"),  # of Jupyter's libraries
]
FETCHED = re.compile(r'(?:<script[^>]*\bsrc|<link[^>]*\bhref|<img[^>]*\bsrc)="([^"]*)"|url\(([^)]*)\)|@import')
LESSON = """# %% [markdown]
# # 3 A short lesson?
#
# With a formula, $x^2$. **Predict:** what is drawn?

# %%
import numpy as np

from sofim_ref.lessons import LiveFigure, check

LiveFigure("steepest")

# %% [markdown]
# ## Exercises

# %% exercise="woodbury"

# %% [markdown] tags=["teacher"]
# ### For the teacher
# Nothing.
"""


@pytest.fixture
def short(tmp_path):
    """A lesson that runs at once."""
    script = tmp_path / "3_short.py"
    script.write_text(LESSON, encoding="utf-8")
    return [script]


def fetched(page):
    """What a page asks for that isn't in it."""
    found = [match.group(1) or match.group(2) for match in FETCHED.finditer(page)]
    return sorted({one for one in found if not one.startswith("data:")})


def test_slides_hold_the_lesson_and_fetch_what_lies_beside_them(short, tmp_path):
    (page,) = write_slides(tmp_path, short)
    text = page.read_text(encoding="utf-8")
    assert fetched(text) == ["vendor/reveal.css", "vendor/reveal.js", "vendor/tex-svg.js"]
    assert all((tmp_path / one).exists() for one in fetched(text))
    assert text.count("<section>") == text.count("</section>") == 2
    assert "Exercise 3.1" not in text
    assert "For the teacher" not in text
    assert "import numpy" not in text  # no code
    assert "data:image/png" in text


def test_a_handout_has_the_exercises_and_is_printed(short, tmp_path):
    page, *printed = write_handouts(tmp_path, short)
    text = page.read_text(encoding="utf-8")
    assert fetched(text) == ["vendor/tex-svg.js"]
    assert "Exercise 3.1" in text
    assert "For the teacher" not in text
    assert "import" in text
    if printer():
        (pdf,) = printed
        assert pdf.read_bytes().startswith(b"%PDF")
        assert len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())) == 2
    else:
        assert printed == []


def test_what_is_vendored_has_its_licence():
    assert sorted(path.name for path in VENDOR.iterdir()) == [
        "mathjax.LICENSE",
        "reveal.LICENSE",
        "reveal.css",
        "reveal.js",
        "tex-svg.js",
    ]
