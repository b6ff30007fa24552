"""docs/gallery: each script runs as it stands and leaves one picture, with labels and a title."""

import importlib.util
import re
import runpy
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

GALLERY = Path(__file__).parent.parent / "docs" / "gallery"
SCRIPTS = sorted(GALLERY.glob("*.py"))
HEAD = re.compile(r'"""\n(?P<title>.+)\n(?P<rule>=+)\n\n(?P<text>.+?)\n"""\n', flags=re.DOTALL)


def test_there_are_at_least_20_numbered_scripts_of_about_30_lines_with_a_title_and_a_text():
    assert len(SCRIPTS) >= 20
    assert [script.name[:2] for script in SCRIPTS] == [f"{number:02}" for number in range(1, len(SCRIPTS) + 1)]
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8")
        found = HEAD.match(text)
        assert found, script.name
        assert len(found["rule"]) >= len(found["title"]), script.name
        assert len(text.splitlines()) <= 45, script.name


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_script_runs_and_draws_one_labelled_picture(script, monkeypatch):
    for package in re.findall(r"^import (torch|jax)$", script.read_text(encoding="utf-8"), flags=re.MULTILINE):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.switch_backend("Agg")
    with mpl.rc_context():
        runpy.run_path(str(script))
    try:
        (number,) = plt.get_fignums()
        figure = plt.figure(number)
        panels = [axes for axes in figure.axes if axes.get_title()]
        assert figure.get_suptitle() or panels
        assert all(axes.get_title() for axes in panels)
        assert any(axes.get_xlabel() for axes in figure.axes) or not panels[0].get_xticks().size
        figure.canvas.draw()
    finally:
        plt.close("all")
