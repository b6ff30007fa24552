"""A module from a file of the user's, wherever it lies."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def module_of_file(path: Path) -> ModuleType:
    """Import a file under a name made of its place and its text: the same file again is the same module.

    Its text is compiled each time, since Python's own cache takes a file of the same size and second for the same file.
    """
    path = path.resolve()
    text = path.read_bytes()
    name = f"{path.stem}_{hashlib.sha256(bytes(path) + text).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    look_in(path.parent)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file always has a loader"
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        exec(compile(text, path, "exec"), vars(module))  # noqa: S102  # a file that the user names in order to have it run
    except BaseException:
        del sys.modules[name]
        raise
    return module


def look_in(folder: Path) -> None:
    """Append a folder to `sys.path`, so that the modules in it can be imported."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()  # a file may have been written a moment ago
