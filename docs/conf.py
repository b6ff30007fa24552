"""How Sphinx builds the site: `python -m docs`. `docs.pages` writes what is made of the code to ``docs/_made``."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import sys
from importlib.metadata import version as version_of
from importlib.util import find_spec
from os.path import relpath
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]  # it brings no types
from pybtex.plugin import register_plugin  # type: ignore[import-untyped]  # as above
from pybtex.style.formatting import plain, toplevel  # type: ignore[import-untyped]  # as above
from pybtex.style.formatting.unsrt import date, pages  # type: ignore[import-untyped]  # as above
from pybtex.style.template import field, join, optional, sentence, tag  # type: ignore[import-untyped]  # as above
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs import citations, reference  # noqa: E402  # found beside the package
from sofim_ref.optimizers import REGISTRY  # noqa: E402  # as above

project = "sofim_ref"
author = "the authors of sofim_ref"
copyright = author  # noqa: A001  # Sphinx's name
version = release = version_of("sofim_ref")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
]
root_doc = "index"
exclude_patterns = ["_build", "**/__pycache__", "check", "experiments/*.py", "train", "gallery", "races/__main__.py"]
exclude_patterns += [
    "_made/gallery/*.py",
    "_made/gallery/*.ipynb",
    "_made/gallery/*.zip",
    "_made/static",
    "_made/parts",
]
suppress_warnings = ["config.cache", "myst.xref_missing"]

# The theme asks nothing from outside: no web fonts, no icon services, no analytics.
html_theme = "pydata_sphinx_theme"
html_title = "sofim_ref"
html_static_path = ["_made/static"]
html_extra_path: list[str] = []
html_js_files = [("figures.js", {"defer": "defer"}), "site.js"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_depth": 2,
    "show_toc_level": 2,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "header_links_before_dropdown": 5,
    "secondary_sidebar_items": ["page-toc"],
    "article_footer_items": [],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "back_to_top_button": False,
}
mathjax_path = "vendor/tex-svg.js"
templates_path = ["_templates"]

# Pages are Markdown; lessons are notebooks that `docs.pages` makes of their scripts, executed once and cached.
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed")
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # figures with sliders are still pictures here
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "text/html", 10),
    ("html", "image/png", 20),
    ("singlehtml", "application/vnd.jupyter.widget-view+json", None),
    ("singlehtml", "text/html", 10),
    ("singlehtml", "image/png", 20),
]


class PlainWithVolumes(plain.Style):  # type: ignore[misc]  # as above
    """BibTeX's plain style, but that an article's volume is said where its pages aren't."""

    def get_article_template(self, entry: Any) -> Any:
        """Return what an article's entry consists of."""
        volume = join[field("volume"), optional["(", field("number"), ")"], optional[":", pages]]
        return toplevel[
            self.format_names("author"),
            self.format_title(entry, "title"),
            sentence[tag("em")[field("journal")], optional[volume], date],
            self.format_web_refs(entry),
        ]


register_plugin("pybtex.style.formatting", "plain-with-volumes", PlainWithVolumes)
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain-with-volumes"
bibtex_cite_id = f"{citations.PREFIX}{{key}}"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
viewcode_follow_imported_members = True
viewcode_line_numbers = True
numpydoc_xref_param_type = False

absent = [name for name in ("jax", "optax", "pandas", "torch") if find_spec(name) is None]
asking = re.compile(rf"^\s*(?:import|from) (?:{'|'.join(absent) or '$'})\b", re.MULTILINE)
left_out = [path.name for path in HERE.glob("gallery/*.py") if asking.search(path.read_text(encoding="utf-8"))]
"""The gallery's scripts that ask for packages which aren't installed here."""

sphinx_gallery_conf = {
    "ignore_pattern": "|".join([r"__init__\.py", *map(re.escape, left_out)]),
    "examples_dirs": "gallery",
    "gallery_dirs": "_made/gallery",
    "filename_pattern": r"/\d",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "min_reported_time": 1_000_000,
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "matplotlib_animations": False,
}


def escape_bars(*given: Any) -> None:
    """Escape bars outside of formulas and code in the last argument, the lines: they mark no substitutions."""
    lines, formula = given[-1], False
    for i, line in enumerate(lines):
        formula = line.startswith(".. math::") or (formula and (not line.strip() or line.startswith(" ")))
        if not formula:
            parts = re.split(r"(``.*?``|:\w+:`.*?`|`.*?`)", line)
            lines[i] = "".join(part if k % 2 else part.replace("|", r"\|") for k, part in enumerate(parts))


def link_sources(app: Sphinx, tree: nodes.document, docname: str) -> None:
    """Make the name of a file of the package, where it is written as code, a link to its source."""
    if app.builder.name != "html":
        return
    shown = getattr(app.env, "_viewcode_modules", {})
    for code in list(tree.findall(nodes.literal)):
        found = re.fullmatch(r"(?:sofim_ref/)?([\w/]+)\.py", code.astext())
        module = "sofim_ref." + found[1].replace("/", ".") if found else ""
        if shown.get(module) and not isinstance(code.parent, nodes.reference):
            where = app.builder.get_relative_uri(docname, f"_modules/{module.replace('.', '/')}")
            code.replace_self(nodes.reference("", "", code.deepcopy(), refuri=where, internal=True))


APART = (nodes.FixedTextElement, nodes.literal, nodes.math, nodes.reference, nodes.title)
"""Code, formulas, links and headings, in which names of papers are left alone."""


def link_papers(app: Sphinx, tree: nodes.document, docname: str) -> None:
    """Make the name of a paper or a book, wherever a page has it, a link to its entry in the bibliography."""
    if app.builder.name not in {"html", "singlehtml"}:
        return
    page = app.builder.get_relative_uri(docname, citations.PAGE)
    for element in list(tree.findall(nodes.TextElement)):
        around = element
        while around is not None and not isinstance(around, APART) and not is_entry(around):
            around = around.parent
        if around is None:
            children: list[nodes.Node] = []
            for is_text, run in itertools.groupby(element.children, lambda child: isinstance(child, nodes.Text)):
                part = list(run)
                children += to_entries("".join(part), page) if is_text else part
            element.clear()
            element.extend(children)


def to_entries(text: str, page: str) -> list[nodes.Node]:
    """Return a text's nodes, in which each name of a paper is a link to its entry on the page at the address given."""
    return [
        nodes.reference("", part, refuri=f"{page}#{citations.PREFIX}{key}", internal=True) if key else nodes.Text(part)
        for part, key in citations.pieces(text)
    ]


def is_entry(node: nodes.Node) -> bool:
    """Return whether a node is an entry of the bibliography."""
    return isinstance(node, nodes.list_item) and any(name.startswith(citations.PREFIX) for name in node["ids"])


def note_papers(app: Sphinx, _docname: str, _source: list[str]) -> None:
    """Read a page anew when the bibliography has changed, to which its names lead."""
    app.env.note_dependency(str(citations.SOURCE))


def check_names(_app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of each public name that no page describes; warnings are errors."""
    for name in reference.missing({name for name, *_ in env.get_domain("py").get_objects()}):
        logging.getLogger(__name__).warning("%s is public, and described on no page", name)


def drop_sources(app: Sphinx) -> list[Any]:
    """Forget the sources that are not the library's, before pages are made of sources; add no page."""
    shown = getattr(app.env, "_viewcode_modules", {})
    for module in [module for module in shown if not own(module)]:
        del shown[module]
    return []


ENLARGED = '<a href="_static/atlas.svg">The map, enlarged</a>'


def own(module: str) -> bool:
    """Return whether a module is the library's, so that its source is shown."""
    return module.partition(".")[0] == "sofim_ref"


def hide_source(_app: Sphinx, module: str) -> tuple[str, dict[str, Any]] | None:
    """Return an empty source, without any name, for modules of Python's own and of other packages."""
    return None if own(module) else ("", {})


def link_methods(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Add to the atlas what only the site has: links from its tables to the methods' cards, and the map enlarged."""
    if docname == "atlas":
        names = "|".join(map(re.escape, REGISTRY))
        source[0] = re.sub(rf"(?<=\| )({names})(?= \|)", r"[\1](_made/methods/\1.md)", source[0])
        # Long names may break after "_", except in links and code.
        source[0] = re.sub(r"(?<=[a-z])_(?=[a-z])(?![^(\n]*\)|[^|\n]*`)", "_<wbr>", source[0])
        source[0] = source[0].replace("(atlas.png)\n", f"(atlas.png)\n\n{ENLARGED}\n")


def remove_stale_pages(app: Sphinx, error: Exception | None) -> None:
    """Remove pages of earlier builds whose source is gone, which Sphinx leaves behind."""
    if error is None and app.builder.name == "html":
        sources = {f"_modules/{name.replace('.', '/')}" for name in getattr(app.env, "_viewcode_modules", {})}
        made = app.env.found_docs | sources | {"_modules/index", "genindex", "py-modindex", "search"}
        out = Path(app.outdir)
        for path in out.rglob("*.html"):
            name = path.relative_to(out).with_suffix("").as_posix()
            if name not in made and not name.startswith("_static/"):
                path.unlink()


def pictures_into_files(app: Sphinx, error: Exception | None) -> None:
    """Move pictures that are written into pages, in base64, into files of their own, which pages share."""
    folder = Path(app.outdir) / "_images"
    for path in Path(app.outdir).rglob("*.html") if error is None and app.builder.name == "html" else ():
        text = path.read_text(encoding="utf-8")

        def move(found: re.Match[str], path: Path = path) -> str:
            picture = base64.b64decode(found[1])
            target = folder / f"{hashlib.sha256(picture).hexdigest()[:20]}.png"
            if not target.exists():
                target.write_bytes(picture)
            return f'src="{relpath(target, path.parent)}"'

        moved = re.sub(r'src="data:image/png;base64,([A-Za-z0-9+/=]+)"', move, text)
        if moved != text:
            path.write_text(moved, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect these functions."""
    app.connect("autodoc-process-docstring", escape_bars, priority=900)
    app.connect("doctree-resolved", link_sources)
    app.connect("doctree-resolved", link_papers)
    app.connect("source-read", note_papers)
    app.connect("viewcode-find-source", hide_source)
    app.connect("html-collect-pages", drop_sources, priority=400)  # before viewcode's
    app.connect("source-read", link_methods)
    app.connect("env-check-consistency", check_names)
    app.connect("build-finished", remove_stale_pages)
    app.connect("build-finished", pictures_into_files)
