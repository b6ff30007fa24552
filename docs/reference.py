"""The reference: a page for each public package, with every name of its ``__all__``, and whether one is missing."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from functools import cache
from types import ModuleType

import sofim_ref
from docs.made import ROOT, toctree, write


@cache
def packages() -> tuple[str, ...]:
    """Return the names of all public packages, outer ones first."""
    found = [module.name for module in pkgutil.walk_packages(sofim_ref.__path__, "sofim_ref.") if module.ispkg]
    public = [name for name in found if "cli" not in name.split(".") and not re.search(r"\._", name)]
    return ("sofim_ref", *(name for name in public if getattr(importlib.import_module(name), "__all__", None)))


def make() -> None:
    """Write the pages, and the list of them with the first sentence of each."""
    listed = []
    for package in packages():
        module = importlib.import_module(package)
        write(f"reference/{package}.md", page(package, module))
        listed.append(f"- [{package}]({package}.md): {(inspect.getdoc(module) or '').partition(chr(10) * 2)[0]}")
    write(
        "reference/index.md",
        "# Every public name\n\nPackage by package; what a class or function is, with shapes, what it raises, its "
        "source, and an example that is run by the tests.\n\n" + "\n".join(listed) + "\n\n" + toctree(list(packages())),
    )


def page(package: str, module: ModuleType) -> str:
    """Return a package's page: what is described here, then links to what is described in a package further in."""
    parts, elsewhere = [], []
    for name in sorted(module.__all__):
        thing = getattr(module, name)
        if inspect.ismodule(thing):
            continue
        shown = canonical(package, name, thing)
        if shown != f"{package}.{name}":
            elsewhere.append(f"- {{py:obj}}`{name} <{shown}>`")
            continue
        kind = "autoclass" if inspect.isclass(thing) else "autofunction" if callable(thing) else "autodata"
        options = "\n   :members:\n" if kind == "autoclass" else "\n"
        parts.append(f"```{{eval-rst}}\n.. {kind}:: {package}.{name}{options}```\n")
    said = (inspect.getdoc(module) or "").strip()
    text = f"# {package}\n\n{said}\n\n" + "\n".join(parts)
    return text + ("\n" + "\n".join(elsewhere) + "\n" if elsewhere else "")


def canonical(package: str, name: str, thing: object) -> str:
    """Return the full name under which something is described: that of the innermost package that shows it."""
    home = getattr(thing, "__module__", "") or ""
    owners = [other for other in packages() if other != "sofim_ref" and f"{home}.".startswith(f"{other}.")]
    owners = [other for other in owners if getattr(importlib.import_module(other), name, None) is thing]
    return f"{max(owners, key=len, default=package)}.{name}"


def missing(described: set[str], listed: str = "") -> list[str]:
    """Return the public names, and public methods of classes, that are not among what the site describes.

    What is public stands in ``tests/public_api.txt``, a name at the beginning of each line.
    """
    listed = listed or (ROOT / "tests" / "public_api.txt").read_text(encoding="utf-8")
    found = []
    for full in re.findall(r"^(sofim_ref[\w.]+)", listed, re.MULTILINE):
        package = max((one for one in packages() if full.startswith(f"{one}.")), key=len)
        name, _, member = full.removeprefix(f"{package}.").partition(".")
        thing = getattr(importlib.import_module(package), name)
        shown = canonical(package, name, thing)
        if not inspect.ismodule(thing) and (f"{shown}.{member}" if member else shown) not in described:
            found.append(full)
    return found
