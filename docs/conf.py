"""How Sphinx builds the site: `python -m docs`. What is made of the code lies in ``docs/_made``, written by `docs.pages`."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

project = "sofim_ref"
author = "the authors of sofim_ref"
copyright = author  # noqa: A001  # Sphinx's name
version = release = version_of("sofim_ref")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
root_doc = "index"
exclude_patterns = ["_build", "**/__pycache__", "check", "experiments/*.py", "train", "gallery", "races/__main__.py"]
exclude_patterns += ["_made/gallery/*.py", "_made/gallery/*.ipynb", "_made/gallery/*.zip", "_made/static"]
suppress_warnings = ["config.cache", "myst.xref_missing"]

# The theme asks nothing from outside: no web fonts, no icon services, no analytics.
html_theme = "pydata_sphinx_theme"
html_title = "sofim_ref"
html_static_path = ["_made/static"]
html_extra_path: list[str] = []
html_js_files = [("figures.js", {"defer": "defer"})]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_depth": 2,
    "show_toc_level": 2,
    "navbar_align": "left",
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
]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": False}
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
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


def escape_bars(app, what, name, obj, options, lines):  # noqa: ANN001, ANN201, PLR0913  # autodoc's signature
    """Absolute values in prose aren't substitutions: a bar outside of formulas and code is escaped."""
    formula = False
    for i, line in enumerate(lines):
        formula = line.startswith(".. math::") or (formula and (not line.strip() or line.startswith(" ")))
        if not formula:
            parts = re.split(r"(``.*?``|:\w+:`.*?`|`.*?`)", line)
            lines[i] = "".join(part if k % 2 else part.replace("|", r"\|") for k, part in enumerate(parts))


def setup(app):  # noqa: ANN001, ANN201  # Sphinx's own
    """Connect it."""
    app.connect("autodoc-process-docstring", escape_bars, priority=900)
