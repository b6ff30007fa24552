"""Where the pages that are made of the code are written: ``docs/_made``."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
MADE = DOCS / "_made"
CACHE = DOCS / "_build"
"""What is remembered between builds."""


def write(path: str, text: str) -> None:
    """Write a file under `MADE`, unless it is there with the same text: an unchanged page keeps its time."""
    target = MADE / path
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown; bars in its cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def toctree(names: list[str], *, hidden: bool = True) -> str:
    """Return the list of pages that stand below a page."""
    shown = ":hidden:" if hidden else ":maxdepth: 1"
    listed = "\n".join(names)
    return f"```{{toctree}}\n{shown}\n\n{listed}\n```\n"
