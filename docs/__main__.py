"""Builds the site: ``python -m docs`` writes it to ``docs/_build/html``, whose index.html opens without a server."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent


def main() -> int:
    """Make the pages, run Sphinx with warnings as errors, and say where the site is."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget what earlier builds executed and drew")
    arguments = parser.parse_args()
    try:
        from sphinx.cmd.build import build_main
    except ModuleNotFoundError:
        print("The site needs the extra docs: pip install -c constraints.txt '.[docs]'.", file=sys.stderr)
        return 1
    if arguments.fresh:
        for folder in ("_build", "_made"):
            shutil.rmtree(DOCS / folder, ignore_errors=True)
    from docs import pages

    pages.make()
    out = DOCS / "_build" / "html"
    code = build_main(["-b", "html", "-W", "--keep-going", "-q", "-j", "2", str(DOCS), str(out)])
    if code == 0:
        print(f"The site is in {out}: open index.html.")
    return code


if __name__ == "__main__":
    sys.exit(main())
