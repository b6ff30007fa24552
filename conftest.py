"""Modules written for torch have no doctests where it isn't installed; the tests' own are in `tests/conftest.py`."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["sofim_ref/bridges/torch*.py"]
