"""A report: one text with tables and pictures, for a terminal, as a page, and as numbers."""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sofim_ref import __version__
from sofim_ref.arrays.validation import a_path
from sofim_ref.reporting.plain_values import plain
from sofim_ref.reporting.table import Table, fold
from sofim_ref.reporting.templates import render
from sofim_ref.training.storage import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console


@dataclass(frozen=True)
class Heading:
    """The heading of a section.

    Parameters
    ----------
    text : str
    """

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Sentences.

    Parameters
    ----------
    text : str
    tone : {"plain", "good", "bad"}
        Whether it is a verdict, which is coloured.
    """

    text: str
    tone: Literal["plain", "good", "bad"] = "plain"


@dataclass(frozen=True)
class Code:
    """Lines to be copied, a command say, which are never broken.

    Parameters
    ----------
    text : str
    """

    text: str


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, which only a page shows.

    Parameters
    ----------
    name : str
        The stem of its file.
    figure : matplotlib.figure.Figure
    alt : str
        What it shows, for a reader who can't see it.
    caption : str
        How it is to be read; printed below it.
    """

    name: str
    figure: Figure
    alt: str
    caption: str = ""


Block = Heading | Paragraph | Code | Picture | Table
"""What a report is made of."""


@dataclass(frozen=True, eq=False)
class Report:
    """What a study reports: read in a terminal, as a page, or as numbers.

    Parameters
    ----------
    title, lead : str
        The heading, and the sentence below it.
    blocks : tuple of Heading, Paragraph, Code, Picture or Table
    numbers : mapping
        All numbers, for ``summary.json``; what is not finite becomes null there.

    Examples
    --------
    >>> from rich.console import Console
    >>> report = Report("Two runs", "A report.", (Paragraph("Both converged."),), {"steps": [7, 12]})
    >>> report.print(Console(width=40))
    Two runs
    A report.
    <BLANKLINE>
    Both converged.
    >>> report.summary()["steps"]
    [7, 12]
    """

    title: str
    lead: str
    blocks: tuple[Block, ...]
    numbers: Mapping[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them, with the library's version."""
        return {"sofim_ref": __version__, **plain(self.numbers)}

    def write(self, folder: str | Path) -> Path:
        """Write ``report.html``, ``summary.json`` and the pictures.

        Each file is written whole or not at all, the page last: whoever finds it finds all that it goes with.

        Parameters
        ----------
        folder : str or Path
            Made if there is none.

        Returns
        -------
        Path
            Of the page, which holds its pictures and refers to nothing outside itself.

        Raises
        ------
        TypeError
            If `folder` is neither a text nor a path.
        OSError
            If a file can't be written.
        """
        pictures = {block.name: _png(block.figure) for block in self.blocks if isinstance(block, Picture)}
        page = render(
            "page.html",
            report=self,
            blocks=[(type(block).__name__, block) for block in self.blocks],
            pictures={name: base64.b64encode(png).decode() for name, png in pictures.items()},
            version=__version__,
        )
        numbers = json.dumps(self.summary(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        folder = a_path("folder", folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, png in pictures.items():
            write_whole(folder / f"{name}.png", png)
        write_whole(folder / "summary.json", numbers.encode())
        write_whole(folder / "report.html", page.encode())
        return folder / "report.html"

    def print(self, console: Console) -> None:
        """Print everything but the pictures, and the headings that stand above pictures alone.

        Parameters
        ----------
        console : rich.console.Console
            Its width is what tables keep to.
        """
        from rich.text import Text

        def show(text: str, style: str = "") -> None:
            console.print(Text(text, style=style), soft_wrap=True)

        def prose(text: str, style: str = "") -> None:
            show("\n".join(fold(text, console.width)), style)

        prose(self.title, "bold")
        prose(self.lead)
        shown = [block for block in self.blocks if not isinstance(block, Picture)]
        for block, following in itertools.zip_longest(shown, shown[1:]):
            if isinstance(block, Heading) and (following is None or isinstance(following, Heading)):
                continue
            show("")
            if isinstance(block, Heading):
                prose(block.text, "bold")
            elif isinstance(block, Paragraph):
                prose(block.text, {"plain": "", "good": "bold green", "bad": "bold red"}[block.tone])
            else:
                show(block.text if isinstance(block, Code) else block.to_text(console.width))


def _png(figure: Figure) -> bytes:
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="png", dpi=130)
        return buffer.getvalue()
