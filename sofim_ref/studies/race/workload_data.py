"""What the parts of a workload say of it: the data set, the maker of its problem, the backends that it takes."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.datasets import Dataset


def digest(tables: Iterable[Any]) -> str:
    """Return the first half of the SHA-256 digest of all rows of some tables on the host."""
    found = hashlib.sha256()
    for table in map(np.asarray, tables):
        found.update((table.astype(str) if table.dtype.kind == "O" else table).tobytes())
    return found.hexdigest()[:32]


def usual_settings(dataset: Dataset) -> dict[str, Any]:
    """Return the arguments of `Workload` that a data set knows: name, title, problem, dtype, shares."""
    train, test = dataset.train, dataset.test
    return {
        "name": "-".join(re.findall(r"[A-Za-z0-9]+", dataset.name)),
        "title": dataset.title,
        "fit": train.on,
        "dtype": str(to_numpy(train.features[:1]).dtype),
        "test_share": test.size / (train.size + test.size),
        "batch_size": min(32, train.size),
    }


def called(fit: Callable[..., Any]) -> str:
    """Return a problem's class and the settings that it is made with; an empty text for another maker."""
    form = getattr(fit, "func", fit)
    settings = ", ".join(f"{name}={value}" for name, value in getattr(fit, "keywords", {}).items())
    return f"{form.__name__}({settings})" if isinstance(form, type) else ""


def check_backend(workload: str, backends: tuple[str, ...], backend: str) -> None:
    """Refuse a backend that a workload doesn't take, and one that takes torch alone where torch is absent."""
    if backends == ("torch",) and importlib.util.find_spec("torch") is None:
        msg = f"{workload} needs torch: pip install 'sofim_ref[torch]'."
        raise ImportError(msg)
    if backend not in backends:
        msg = f"backend must be {' or '.join(backends)} for {workload}, got {backend!r}."
        raise ValueError(msg)
