"""Methods from outside the package: from a file, from a module, or announced by an installed distribution."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.methods_file import read_methods
from sofim_ref.optimizers.module_file import look_in, module_of_file
from sofim_ref.optimizers.registry import REGISTRY, check_method

GROUP = "sofim_ref.methods"
"""The entry-point group of installed plugins; a value is ``package.module:METHODS``."""

PARTS = ("METHODS", "MATRICES", "DATASETS", "WORKLOADS")
"""What a plugin's module may define, at least one of them."""


@dataclass(frozen=True)
class Plugin:
    """What a module brings from outside the package.

    Parameters
    ----------
    name : str
        The file or module as it was named.
    module : module, optional
        Imported; a class in it can be pickled by value. None of a TOML file.
    methods : tuple of Method
        ``METHODS``, a sequence of `Method`, checked as `register` checks.
    matrices : tuple
        ``MATRICES``, a sequence of what `verify` takes as its ``matrices``.
    datasets, workloads : mapping
        ``DATASETS`` and ``WORKLOADS``: from a name to a `datasets.Source`, or to a race's `Workload`.
    distribution : str
        Name and version of the installed distribution; empty for a file or module that was named.
    """

    name: str
    module: ModuleType | None = field(default=None, repr=False)
    methods: tuple[Method, ...] = ()
    matrices: tuple[Any, ...] = ()
    datasets: Mapping[str, Any] = field(default_factory=dict)
    workloads: Mapping[str, Any] = field(default_factory=dict)
    distribution: str = ""


def load_plugin(file_or_module: str | Path) -> tuple[Method, ...]:
    """Return the methods of a plugin, registering nothing: see `open_plugin`.

    Parameters
    ----------
    file_or_module : str or Path

    Returns
    -------
    tuple of Method

    Raises
    ------
    TypeError, ValueError
        As `open_plugin` does.
    """
    return open_plugin(file_or_module).methods


def open_plugin(file_or_module: str | Path, known: Iterable[str] | None = None) -> Plugin:
    """Import a plugin and check what it brings, registering nothing.

    Parameters
    ----------
    file_or_module : str or Path
        A Python file, or the name of a module. The file's folder, or for a module the current one, is appended to
        `sys.path`, so that the plugin can import its neighbours. Or a TOML file of methods: see `read_methods`.
    known : iterable of str, optional
        Names of methods that the plugin's must not have; those of the registry if not given.

    Returns
    -------
    Plugin

    Raises
    ------
    ValueError
        If it can't be imported, defines none of `PARTS`, or a method's name is known already.
    TypeError
        If one of `PARTS` is not of its form, or a method lacks `init` or `precondition`.
    """
    name = str(file_or_module)
    if name.endswith(".toml"):
        return Plugin(name, methods=_methods_of(name, REGISTRY if known is None else set(known)))
    try:
        module = module_of_file(Path(name)) if name.endswith(".py") else _from_path(name)
    except (Exception, SystemExit) as error:
        msg = f"plugin {name!r} can't be imported: {_reason(error)}"
        raise ValueError(msg) from error
    return _checked(name, module, getattr(module, "METHODS", ()), known=known)


@functools.cache
def installed_plugins() -> tuple[Plugin, ...]:
    """Return the plugins that installed distributions announce in the entry-point group ``sofim_ref.methods``.

    They are imported at the first call. One that can't be used is left out with a warning, which says why.

    Returns
    -------
    tuple of Plugin
    """
    from importlib.metadata import entry_points

    plugins: list[Plugin] = []
    for entry in entry_points(group=GROUP):
        distribution = f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""
        known = {*REGISTRY, *(method.name for plugin in plugins for method in plugin.methods)}
        try:
            methods = entry.load()
            plugins.append(_checked(entry.name, sys.modules[entry.module], methods, distribution, known))
        except Exception as error:  # noqa: BLE001  # whatever an import of somebody else's code raises
            msg = f"the installed plugin {entry.name!r} of {distribution} is left out: {_reason(error)}"
            warnings.warn(msg, stacklevel=2)
    return tuple(plugins)


def _methods_of(name: str, known: Container[str]) -> tuple[Method, ...]:
    try:
        return read_methods(Path(name), known)
    except (OSError, TypeError, ValueError) as error:
        msg = f"plugin {name!r}: {error.strerror + '.' if isinstance(error, OSError) and error.strerror else error}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(msg) from error


def _checked(
    name: str, module: ModuleType, methods: Any, distribution: str = "", known: Iterable[str] | None = None
) -> Plugin:
    if not any(hasattr(module, part) for part in PARTS):
        msg = f"plugin {name!r} must define {', '.join(PARTS[:-1])} or {PARTS[-1]}, got none of them."
        raise ValueError(msg)
    matrices, datasets, workloads = (getattr(module, part, ()) for part in PARTS[1:])
    for part, value in (("METHODS", methods), ("MATRICES", matrices)):
        if not isinstance(value, Sequence):
            of_what = " of Method" if part == "METHODS" else ""
            msg = f"plugin {name!r}: {part} must be a list{of_what}, got an object of type {type(value).__name__}."
            raise TypeError(msg)
    for part, value in (("DATASETS", datasets), ("WORKLOADS", workloads)):
        if value != () and not isinstance(value, Mapping):
            msg = f"plugin {name!r}: {part} must be a mapping from names, got {value!r}."
            raise TypeError(msg)
    taken = set(REGISTRY if known is None else known)
    for method in methods:
        make = getattr(method, "make", None)
        if missing := sorted(getattr(getattr(make, "func", make), "__abstractmethods__", ())):
            msg = f"plugin {name!r}: method {method.name!r} must define {' and '.join(missing)}."
            raise TypeError(msg)
        try:
            check_method(method, taken)
        except Exception as error:
            msg = f"plugin {name!r}: {error}"
            raise (TypeError if isinstance(error, TypeError) else ValueError)(msg) from error
        taken.add(method.name)
    return Plugin(name, module, tuple(methods), tuple(matrices), dict(datasets), dict(workloads), distribution)


def _from_path(module: str) -> ModuleType:
    look_in(Path.cwd())
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        msg = "there is no such module; the name of a file ends in .py"
        raise ModuleNotFoundError(msg)
    return importlib.import_module(module)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    lines = str(error).strip().splitlines() or ["."]
    return f"{type(error).__name__}: {lines[0].removesuffix('.')}."
