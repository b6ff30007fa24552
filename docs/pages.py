"""The pages that are made of the code, and the static files, written to ``docs/_made``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat

from docs import cards, evidence, reference
from docs.made import DOCS, MADE, ROOT, toctree, write
from sofim_ref.lessons.live_figure import BUNDLES
from sofim_ref.lessons.student_copies import notebook, number, sources

LIVE = ROOT / "live"
OPEN = "*To write answers, open this lesson yourself: [`sofim-ref lab`](index.md#open-them-yourself).*"
"""What stands below the title of each lesson."""


def make() -> None:
    """Write every page that is made of the code, and the static files; what hasn't changed keeps its time."""
    static()
    lessons()
    cards.make()
    reference.make()
    evidence.make()
    history = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n")[2]
    write("changes.md", linked(f"# Changes\n\n{history}"))
    write("contribute.md", linked((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))


def static() -> None:
    """Copy the live figures and MathJax, which come with the repository and with npm.

    Raises
    ------
    FileNotFoundError
        If MathJax isn't installed, nor npm to install it.
    """
    mathjax = LIVE / "node_modules" / "mathjax" / "es5" / "tex-svg.js"
    if not mathjax.exists():
        npm = shutil.which("npm")
        if npm is None:
            msg = "the site needs MathJax from npm: install Node, then run the build again."
            raise FileNotFoundError(msg)
        subprocess.run([npm, "install"], cwd=LIVE, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # npm's own
    for source, target in (
        (BUNDLES / "figures.js", "figures.js"),
        (mathjax, "vendor/tex-svg.js"),
        (DOCS / "site.css", "site.css"),
        (DOCS / "site.js", "site.js"),
    ):
        copy = MADE / "static" / target
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copyfile(source, copy)


def lessons() -> None:
    """Write the students' copies as notebooks, which the build executes, and the list of them."""
    names = []
    for script in sorted(sources(), key=number):
        book = notebook(script)
        for i, cell in enumerate(book.cells):  # so that an unchanged lesson is an unchanged file
            cell.id = f"cell-{i}"
            if cell.cell_type == "markdown":
                cell.source = linked(cell.source, MADE / "lessons")
        head, _, rest = book.cells[0].source.partition("\n")
        book.cells[0].source = f"{head}\n\n{OPEN}\n{rest}"
        write(f"lessons/{script.stem}.ipynb", nbformat.writes(book))  # type: ignore[no-untyped-call]  # nbformat has no types
        names.append(script.stem)
    for old in (MADE / "lessons").glob("*.ipynb"):
        if old.stem not in names:
            old.unlink()
    write(
        "lessons/index.md",
        "# The lessons\n\nEach lesson begins with a question, has figures to drag, and exercises that check "
        "themselves. Here they are executed, and figures that are drawn in the browser can be dragged.\n\n"
        "## Open them yourself\n\nTo write answers, copy them into a folder and open them in JupyterLab:\n\n```sh\n"
        ".venv/bin/python -m pip install -c constraints.txt '.[notebooks]'\n"
        f".venv/bin/sofim-ref lab\n```\n\n{toctree(names, hidden=False)}",
    )


def linked(text: str, start: Path = MADE) -> str:
    """Return a page as it is read from the folder `start`: names of pages in `docs` are links."""

    def link(found: re.Match[str]) -> str:
        page = DOCS / found[1]
        return f"[{found[1]}]({os.path.relpath(page, start)})" if page.is_file() else found[0]

    return re.sub(r"`docs/([\w/-]+\.md)`", link, text)
