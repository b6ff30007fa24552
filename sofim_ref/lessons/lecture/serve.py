"""What voila must be told to show lectures: a template of its own, which fetches nothing from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

TEMPLATES = Path(__file__).parent / "share"
"""The folder in which Jupyter's programs find the template ``lecture``."""

OPTIONS = (
    "--template=lecture",
    "--strip_sources=False",
    "--VoilaConfiguration.extension_denylist=jupyterlab-jupytext",
)
"""Voila's options for a lecture: our template, code in the page though folded, and no extension that it can't run."""


def environment() -> dict[str, str]:
    """Return this process's environment, in which Jupyter's programs find the template too."""
    others = os.environ.get("JUPYTER_PATH")
    return {**os.environ, "JUPYTER_PATH": os.pathsep.join([str(TEMPLATES), *([others] if others else [])])}
