"""Builds the site: ``python -m docs`` writes it to ``docs/_build/html``, whose index.html opens without a server."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import warnings

from docs.made import CACHE, DOCS, MADE


def main() -> int:
    """Make the pages, run Sphinx with warnings as errors, check links, and say where the site is."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget what earlier builds executed and drew")
    parser.add_argument("--pdf", action="store_true", help="print the book as well: docs/_build/sofim_ref.pdf")
    arguments = parser.parse_args()
    # jsonschema would build forty grammars for formats of addresses that no notebook has: 6 seconds of each build.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # this is how Python marks what isn't there
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    # Sphinx's readers and writers are forked; they import JAX, but compute nothing with it.
    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
    try:
        from sphinx.cmd.build import build_main
    except ModuleNotFoundError:
        sys.stderr.write("The site needs the extra docs: pip install -c constraints.txt '.[docs,notebooks]'.\n")
        return 1
    if arguments.fresh:
        for folder in (CACHE, MADE):
            shutil.rmtree(folder, ignore_errors=True)
    from docs import book, links, pages

    pages.make()
    common = ["-W", "--keep-going", "-q", "-j", "2", "-d", str(CACHE / "doctrees"), str(DOCS)]
    site = CACHE / "html"
    code = build_main(["-b", "html", *common, str(site)])
    dead = links.dead(site)
    sys.stderr.writelines(f"{line}\n" for line in dead)
    if code or dead:
        return code or 1
    sys.stdout.write(f"The site is in {site}: open index.html.\n")
    if arguments.pdf:
        code = build_main(["-b", "singlehtml", *common, str(CACHE / "book")])
        if code:
            return code
        book.print_pdf(CACHE / "book" / "index.html", CACHE / "sofim_ref.pdf")
        sys.stdout.write(f"The book is {CACHE / 'sofim_ref.pdf'}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
