"""What a new file to be checked begins as, by the framework that it is written in."""

from __future__ import annotations

from importlib.resources import files

TEMPLATES = ("numpy", "torch", "jax")
"""The frameworks that have a template."""

PARAMETERS = {
    "torch": "the network's state_dict, a mapping of names to tensors,",
    "jax": "the network's params, a tree of arrays,",
}
"""What the functions of a file with a network of its own are called with."""


def template(framework: str) -> str:
    """Return the text of a file that can be checked as it stands, for others to replace its functions by their own.

    Parameters
    ----------
    framework : str
        One of `TEMPLATES`.

    Examples
    --------
    >>> "import torch" in template("torch")
    True
    """
    folder = files("sofim_ref.testing.own_file") / "templates"
    parts = ("module" if framework in PARAMETERS else "network", "functions", framework)
    head, functions, body = ((folder / f"{name}.txt").read_text(encoding="utf-8") for name in parts)
    return head.replace("{parameters}", PARAMETERS.get(framework, "")) + functions + body
