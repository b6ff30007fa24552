"""A lesson as slides and as a handout: pages that are run once, hold their figures as pictures, and fetch nothing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sofim_ref.lessons.lecture.screens import lecture
from sofim_ref.lessons.lecture.serve import TEMPLATES
from sofim_ref.lessons.student_copies import notebook, sources

VENDOR = Path(__file__).parent / "vendor"
"""reveal.js 5.2.1 and MathJax 3.2.2, with their licences."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")
"""Programs that print a page as PDF."""

PRINT = ("--headless", "--disable-gpu", "--no-sandbox", "--no-pdf-header-footer", "--virtual-time-budget=20000")
WIDGET = "application/vnd.jupyter.widget-view+json"


def write_slides(folder: Path, scripts: list[Path] | None = None) -> Iterator[Path]:
    """Write each lesson as slides of reveal.js, and yield the page: `folder`/1_what_is_steepest.html.

    Parameters
    ----------
    folder : Path
        Where they go, with what they need in ``vendor``; files of the same name are overwritten.
    scripts : list of Path, optional
        Which of `sources()`.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a lesson fails.
    """
    for script in scripts or sources():
        yield _page("slides", lecture(notebook(script)), script.stem, folder)


def write_handouts(folder: Path, scripts: list[Path] | None = None, *, teacher: bool = False) -> Iterator[Path]:
    """Write each lesson with its exercises as a page to be printed, and as PDF where a browser can; yield the files.

    Parameters
    ----------
    folder : Path
        Where they go, with what they need in ``vendor``; files of the same name are overwritten.
    scripts : list of Path, optional
        Which of `sources()`.
    teacher : bool
        Whether to include solutions and notes for the teacher.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a lesson fails.
    subprocess.CalledProcessError
        If the browser fails.
    """
    browser = printer()
    for script in scripts or sources():
        page = _page("handout", notebook(script, teacher=teacher), script.stem, folder)
        yield page
        if browser:
            pdf = page.with_suffix(".pdf")
            command = [browser, *PRINT, f"--print-to-pdf={pdf.resolve()}", page.resolve().as_uri()]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # a browser and our page
            yield pdf


def printer() -> str | None:
    """Return a browser that prints pages as PDF, None if none is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def _page(template: str, lesson: Any, name: str, folder: Path) -> Path:
    """Run a lesson, and write it with one of our templates."""
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    shutil.copytree(VENDOR, folder / "vendor", dirs_exist_ok=True)
    NotebookClient(lesson, timeout=300, kernel_name="python3").execute()
    for cell in lesson.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data.pop(WIDGET, None)
    basedirs = [str(TEMPLATES / "nbconvert" / "templates")]
    places = {"extra_template_basedirs": basedirs, "extra_template_paths": basedirs}
    exporter = HTMLExporter(template_name=template, **places)  # type: ignore[no-untyped-call]  # as nbconvert's
    text, _ = exporter.from_notebook_node(lesson, resources={"metadata": {"name": name}})
    page = folder / f"{name}.html"
    page.write_text(text, encoding="utf-8")
    return page
