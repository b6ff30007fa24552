"""The book: all pages in one PDF, printed by Chromium, whose links lead to its own pages or to the web."""

from __future__ import annotations

import re
import shutil
from pathlib import Path


def inner_links(text: str) -> str:
    """Return the page without the links that lead neither into it nor to the web, but to files of this machine."""
    text = re.sub(r'<a\b(?=[^>]*\bhref="(?!#|https?:|mailto:)[^"]*")[^>]*>(.*?)</a>', r"\1", text, flags=re.DOTALL)
    anchors = set(re.findall(r'\bid="([^"]+)"', text))

    def keep(found: re.Match[str]) -> str:
        return found[0] if found[1] in anchors else found[2]

    return re.sub(r'<a\b[^>]*href="#([^"]*)"[^>]*>(.*?)</a>', keep, text, flags=re.DOTALL)


def print_pdf(page: Path, target: Path) -> None:
    """Print a built page, once its formulas are typeset.

    Raises
    ------
    FileNotFoundError
        If Chromium isn't installed.
    """
    from playwright.sync_api import PdfMargins, sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        msg = "the PDF needs Chromium: install it, then run the build again."
        raise FileNotFoundError(msg)
    page.write_text(inner_links(page.read_text(encoding="utf-8")), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(color_scheme="light")
        shown.set_default_timeout(400_000)
        shown.goto(page.resolve().as_uri())
        shown.evaluate("MathJax.startup.promise")
        margin: PdfMargins = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
        shown.pdf(path=target, format="A4", margin=margin)
        browser.close()
